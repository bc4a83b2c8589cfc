from datetime import datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from dbaas.api.json import dumps
from tests.cast import Api, problem

pytestmark = pytest.mark.urls("tests.dbaas.api.urls")


@pytest.mark.parametrize("body", [b"{", b'{"a": NaN}', b'{"a": "\xff"}', b"[" * 5000])
def test_a_malformed_body_is_refused(api: Api, body: bytes) -> None:
    assert problem(api.post("/api/test/echo", body)) == (400, "request.malformed_json")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
def test_a_body_that_is_no_object_is_refused(api: Api, body: bytes) -> None:
    assert problem(api.post("/api/test/echo", body)) == (400, "request.malformed_json")


def test_times_are_in_utc_with_milliseconds() -> None:
    moment = datetime(2026, 1, 31, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=2)))

    assert dumps({"at": moment}) == b'{"at":"2026-01-30T23:02:03.456Z"}'


def test_identifiers_and_decimals_are_text() -> None:
    assert dumps([UUID(int=1), Decimal("1.50")]) == b'["00000000-0000-0000-0000-000000000001","1.50"]'


def test_what_has_no_json_form_is_our_mistake() -> None:
    with pytest.raises(TypeError):
        dumps({"at": object()})
