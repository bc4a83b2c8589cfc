from uuid import UUID

import pytest
from django.test import RequestFactory

from dbaas.api.etag import etag_of, is_unchanged, require_match
from dbaas.core.errors import Stale

ETAG = etag_of(UUID(int=1), 1)


def test_another_version_or_object_has_another_etag() -> None:
    assert len({ETAG, etag_of(UUID(int=1), 2), etag_of(UUID(int=2), 1)}) == 3
    assert etag_of(UUID(int=1), 1) == ETAG


@pytest.mark.parametrize("header", [ETAG, f'"other", {ETAG}', f" {ETAG} "])
def test_a_named_version_matches(header: str) -> None:
    request = RequestFactory().patch("/", headers={"If-Match": header})

    assert require_match(request, ETAG) is True


@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
def test_no_version_named_means_any(headers: dict[str, str]) -> None:
    request = RequestFactory().patch("/", headers=headers)

    assert require_match(request, ETAG) is False


@pytest.mark.parametrize("header", ['"other"', f"W/{ETAG}", ETAG.strip('"'), ""])
def test_any_other_version_is_stale(header: str) -> None:
    request = RequestFactory().patch("/", headers={"If-Match": header})

    with pytest.raises(Stale):
        require_match(request, ETAG)


@pytest.mark.parametrize(
    ("header", "expected"), [(ETAG, True), (f"W/{ETAG}", True), ("*", True), ('"other"', False), ("", False)]
)
def test_a_client_that_holds_this_version_need_not_be_sent_it(header: str, expected: bool) -> None:
    request = RequestFactory().get("/", headers={"If-None-Match": header})

    assert is_unchanged(request, ETAG) is expected
