"""Tests that browsers are told to load and run only what is ours, on every page, and that what the pages hold keeps to it."""

import base64
import hashlib
import re

import pytest
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from tests.cast import Api

DOCS = ("/api/docs", "/api/redoc")
_INLINE = re.compile(r"<(script|style)([^>]*)>(.*?)</\1>", re.DOTALL)
_HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)


def policy_of(response: HttpResponse) -> dict[str, list[str]]:
    """Return the directives with their sources."""
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


def refused_in(response: HttpResponse) -> list[str]:
    """Return what stands in the page and its own policy refuses."""
    policy, text = policy_of(response), response.content.decode()
    found = [match[0] for match in _HANDLER.finditer(text)]
    for kind, attributes, content in _INLINE.findall(text):
        if "src=" in attributes:
            continue
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        nonce = re.search(r'nonce="([^"]+)"', attributes)
        sources = policy[f"{kind}-src"]
        if f"'sha256-{digest}'" not in sources and not (nonce and f"'nonce-{nonce[1]}'" in sources):
            found.append(f"<{kind}{attributes}>{content[:80]}")
    return found


@pytest.fixture
def operator(db: None) -> Client:
    """The admin as an operator sees it."""
    del db
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com"))
    return client


def _admin_pages() -> list[str]:
    named = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    return ["/admin/", "/admin/login/", "/admin/accounts/user/add/", *named]


@pytest.mark.parametrize("path", _admin_pages())
def test_that_an_admin_page_holds_only_what_it_may_run(operator: Client, path: str) -> None:
    client = Client() if path.endswith("login/") else operator

    response = client.get(path)

    assert response.status_code == 200
    assert refused_in(response) == []  # type: ignore[arg-type] # the test client's answer is one
    assert policy_of(response)["script-src"] == ["'self'", "'unsafe-eval'"]  # type: ignore[arg-type] # as above


@pytest.mark.parametrize("path", DOCS)
def test_that_a_page_about_the_api_holds_only_what_it_may_run(api: Api, path: str) -> None:
    response = api.get(path)

    assert refused_in(response) == []
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "http" not in response["Content-Security-Policy"]


def test_that_a_nonce_is_good_for_one_answer(api: Api) -> None:
    nonces = {re.findall(r"'nonce-[^']+'", api.get("/api/docs")["Content-Security-Policy"])[0] for _ in range(3)}

    assert len(nonces) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/plans", "/api/v1/nothing", "/api/schema", "/docs/errors", "/health/live"])
def test_that_what_is_no_page_can_do_nothing(api: Api, path: str) -> None:
    policy = policy_of(api.get(path))

    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == ["'none'"]


def test_that_the_page_of_errors_keeps_its_style(api: Api) -> None:
    assert refused_in(api.get("/docs/errors")) == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", *DOCS, "/api/v1/plans", "/docs/errors", "/health/live"])
def test_that_every_answer_has_the_headers_for_browsers(api: Api, path: str) -> None:
    response = api.get(path)

    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in response["Permissions-Policy"]


@pytest.mark.django_db
def test_that_no_other_origin_may_read_answers_unless_told_otherwise(api: Api, settings: Settings) -> None:
    client = api.with_headers(Origin="https://console.example.com", Access_Control_Request_Method="POST")

    before = client.get("plans")
    settings.CORS_ALLOWED_ORIGINS = ["https://console.example.com"]
    after = client.get("plans")

    assert "Access-Control-Allow-Origin" not in before
    assert after["Access-Control-Allow-Origin"] == "https://console.example.com"
    assert "Access-Control-Allow-Credentials" not in after
    assert "location" in after["Access-Control-Expose-Headers"]


def test_that_a_preflight_of_an_allowed_origin_is_answered(api: Api, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://console.example.com"]
    asked = {
        "Origin": "https://console.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }

    response = api.client.options("/api/v1/databases", headers=asked)
    other = api.client.options("/api/v1/databases", headers={**asked, "Origin": "https://evil.example.com"})

    assert response.status_code == 200
    assert "idempotency-key" in response["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Origin" not in other


def test_that_the_admin_is_never_shared_with_other_origins(api: Api, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://console.example.com"]

    response = api.with_headers(Origin="https://console.example.com").get("/admin/login/")

    assert "Access-Control-Allow-Origin" not in response
