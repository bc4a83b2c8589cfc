"""The document as a whole: what generators, and people who read it, rely on."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from tests.cast import Api

OPEN_ROUTES = {
    "register",
    "log_in",
    "refresh",
    "log_out",
    "ask_for_password_reset",
    "reset_password",
    "register_invited",
}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document as `manage.py spectacular` writes it; a warning or an invalid document fails here."""
    path = tmp_path_factory.mktemp("schema") / "schema.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(path))
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith(("/api/v1/auth", "/api/v1/tenants")):
                yield path, method, operation


def test_every_route_says_what_it_does(document: dict[str, Any]) -> None:
    lacking = [
        (path, method)
        for path, method, operation in _operations(document)
        if not (operation.get("summary") and operation.get("description"))
    ]

    assert lacking == []


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    lacking = []
    for path, method, operation in _operations(document):
        bodies = [
            operation.get("requestBody"),
            *(body for code, body in operation["responses"].items() if code < "300"),
        ]
        contents = [content for body in bodies if body for content in body.get("content", {}).values()]
        lacking += [(path, method) for content in contents if not content.get("examples")]

    assert lacking == []


def test_every_error_is_a_problem_document_with_an_example(document: dict[str, Any]) -> None:
    for path, method, operation in _operations(document):
        for code, response in operation["responses"].items():
            if code >= "400":
                content = response["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, (path, method, code)
                assert content["examples"], (path, method, code)


def test_routes_name_the_codes_that_they_answer_with(document: dict[str, Any]) -> None:
    responses = document["paths"]["/api/v1/tenants/{tenant_id}/invitations"]["post"]["responses"]

    assert set(responses) == {"201", "400", "401", "403", "404", "409", "413", "415", "429"}
    assert "member.exists" in responses["409"]["description"]


def test_only_open_routes_need_no_credentials(document: dict[str, Any]) -> None:
    ways = ["AccessToken", "ApiKey"]

    for _path, _method, operation in _operations(document):
        expected = [] if operation["operationId"] in OPEN_ROUTES else ways
        named = [name for way in operation.get("security", []) for name in way]
        assert named == expected, operation["operationId"]


def test_routes_name_the_scope_that_they_need_of_a_key(document: dict[str, Any]) -> None:
    order = document["paths"]["/api/v1/databases"]["post"]

    assert {"ApiKey": ["databases:write"]} in order["security"]


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _path, _method, operation in _operations(document)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("accept", "begin"), [("application/vnd.oai.openapi", b"openapi: 3.1"), ("application/vnd.oai.openapi+json", b"{")]
)
def test_the_document_is_served_as_yaml_and_json(api: Api, accept: str, begin: bytes) -> None:
    response = api.with_headers(Accept=accept).get("/api/schema")

    assert response.status_code == 200
    assert response.content.startswith(begin)


@pytest.mark.parametrize("path", ["/api/docs", "/api/redoc"])
def test_the_readers_load_nothing_from_elsewhere(api: Api, path: str) -> None:
    page = api.with_headers(Accept="text/html").get(path)

    text = page.content.decode()
    assert page.status_code == 200
    assert "/static/drf_spectacular_sidecar/" in text
    assert "https://" not in text
