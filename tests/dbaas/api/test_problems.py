import logging

import pytest

from dbaas.api.problems import STATUSES, status_of, title_of
from dbaas.core.errors import ProductError
from tenants.quota import QuotaExceeded
from tests.cast import Api, body_of, problem
from tests.dbaas.api.urls import SECRET

pytestmark = pytest.mark.urls("tests.dbaas.api.urls")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("transient", 503, "outside.transient"),
        ("permanent", 502, "outside.permanent"),
        ("stale", 412, "object.stale"),
        ("unprocessable", 422, "request.unprocessable"),
        ("throttled", 429, "request.throttled"),
        ("parse-error", 400, "request.malformed"),
        ("failed-login", 401, "auth.invalid"),
        ("denied", 403, "permission.denied"),
        ("missing", 404, "object.not_found"),
        ("suspicious", 400, "request.malformed"),
        ("database-gone", 503, "service.unavailable"),
        ("unforeseen", 500, "internal.error"),
    ],
)
def test_an_exception_in_a_view_becomes_a_problem_document(api: Api, kind: str, status: int, code: str) -> None:
    response = api.get(f"/api/test/failing/{kind}")

    document = body_of(response)
    assert problem(response) == (status, code)
    assert set(document) >= {"type", "title", "status", "detail", "code", "request_id", "errors"}
    assert document["type"] == f"/docs/errors#{code}"
    assert document["status"] == status
    assert document["request_id"] == response["X-Request-ID"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("denied", (403, "permission.denied")),
        ("missing", (404, "route.not_found")),
        ("suspicious", (400, "request.malformed")),
        ("unforeseen", (500, "internal.error")),
    ],
)
def test_an_exception_outside_a_rest_view_becomes_a_problem_document_under_api(
    api: Api, kind: str, expected: tuple[int, str]
) -> None:
    response = api.get(f"/api/test/plain/{kind}")

    assert problem(response) == expected


@pytest.mark.parametrize(
    ("kind", "status"), [("denied", 403), ("missing", 404), ("suspicious", 400), ("unforeseen", 500)]
)
def test_an_exception_outside_api_becomes_a_plain_page(api: Api, kind: str, status: int) -> None:
    response = api.get(f"/pages/{kind}")

    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")


def test_an_unforeseen_error_says_nothing_of_ours_and_is_logged_with_its_traceback(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="django.request"):
        response = api.get("/api/test/failing/unforeseen")

    assert SECRET not in response.content.decode()
    assert any(record.exc_info for record in caplog.records)


def test_further_members_are_added_and_cannot_replace_ours(api: Api) -> None:
    response = api.get("/api/test/failing/unprocessable")

    document = body_of(response)
    assert document["limit"] == 3
    assert document["code"] == "request.unprocessable"


@pytest.mark.parametrize(("kind", "seconds"), [("transient", "2"), ("throttled", "7")])
def test_retry_after_is_a_header_in_whole_seconds_rounded_up(api: Api, kind: str, seconds: str) -> None:
    response = api.get(f"/api/test/failing/{kind}")

    assert response["Retry-After"] == seconds


def test_a_401_names_how_to_authenticate(api: Api) -> None:
    response = api.get("auth/me")

    assert problem(response) == (401, "auth.required")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_route_is_a_problem(api: Api) -> None:
    assert problem(api.get("no-such-thing")) == (404, "route.not_found")


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(api: Api) -> None:
    response = api.get("auth/login")

    assert problem(response) == (405, "request.method_not_allowed")
    assert "POST" in response["Allow"]


def test_an_accept_header_without_json_is_a_problem(api: Api) -> None:
    response = api.with_headers(Accept="text/csv").post("auth/login", {})

    assert problem(response) == (406, "request.not_acceptable")


def test_a_body_that_is_not_json_is_a_problem(api: Api) -> None:
    response = api.client.post("/api/v1/auth/login", {"email": "a"})

    assert problem(response) == (415, "request.unsupported_media_type")  # type: ignore[arg-type] # Django's stubs give the client's own class


def test_nested_errors_come_as_dotted_paths(api: Api) -> None:
    body = {"topology": {"replicas": 0}, "members": [{"role": "owner"}, {"role": "king"}], "tags": ["abc", "abcd"]}

    response = api.post("/api/test/nested", body)

    found = {(error["field"], error["code"]) for error in body_of(response)["errors"]}
    assert problem(response) == (400, "request.invalid")
    assert found == {("topology.replicas", "min_value"), ("members.1.role", "invalid_choice"), ("tags.1", "max_length")}


def test_an_error_of_the_whole_body_has_an_empty_path(api: Api) -> None:
    body = {"topology": {"replicas": 1}, "members": [{"role": "owner"}], "tags": ["a", "b"]}

    response = api.post("/api/test/nested", body)

    assert body_of(response)["errors"] == [{"field": "", "message": "One tag at most.", "code": "too_many"}]


def test_a_status_follows_from_the_nearest_class_in_the_table() -> None:
    class Special(ProductError):
        """Not in the table."""

    assert status_of(Special) == STATUSES[ProductError]
    assert status_of(QuotaExceeded) == 422


def test_a_title_is_the_class_name_in_words() -> None:
    assert title_of(QuotaExceeded) == "Quota exceeded"
