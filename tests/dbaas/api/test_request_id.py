from uuid import UUID

import pytest
import structlog

from dbaas.api.request_id import current_request_id
from tests.cast import Api, body_of

pytestmark = pytest.mark.urls("tests.dbaas.api.urls")


def test_a_sane_id_of_the_caller_is_kept(api: Api) -> None:
    response = api.with_headers(X_Request_ID="build-42.retry_1").post("/api/test/echo")

    assert response["X-Request-ID"] == "build-42.retry_1"
    assert body_of(response)["request_id"] == "build-42.retry_1"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "id;drop", "naïve"])
def test_any_other_id_is_replaced(api: Api, given: str) -> None:
    response = api.with_headers(X_Request_ID=given).post("/api/test/echo")

    assert UUID(response["X-Request-ID"]).version == 7


def test_the_id_is_forgotten_after_the_answer(api: Api) -> None:
    api.post("/api/test/echo")

    assert current_request_id() == ""
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_pages_outside_the_api_have_an_id_too(api: Api) -> None:
    assert api.get("/health/live")["X-Request-ID"]
