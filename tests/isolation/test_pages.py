"""Tests that what is not the API keeps to the same rules: the admin is for staff, and pages for everybody tell nothing of anybody."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from tests.cast import Api
from tests.isolation.estate import Estate

OPEN_PAGES = ("", "api/schema", "api/docs", "api/redoc", "docs/errors", "metrics")
"""Beside the API, the admin and the probes under health/."""


def _paths(patterns: list[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _paths(pattern.url_patterns, path)
        else:
            yield path


def test_that_no_page_is_open_by_oversight() -> None:
    known = ("api/v1/", "admin/", "health/")
    others = {path for path in _paths(get_resolver().url_patterns) if not path.startswith(known)}

    assert others == set(OPEN_PAGES)


def _admin_pages() -> list[str]:
    named = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    return ["/admin/", "/admin/password_change/", *named, *(f"{path}add/" for path in named)]


@pytest.mark.parametrize("path", _admin_pages())
def test_that_the_admin_is_closed_to_people_who_are_not_staff(path: str, alice: User) -> None:
    client = Client()
    client.force_login(alice)

    response = client.get(path)

    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("path", _admin_pages())
def test_that_access_tokens_and_keys_do_not_open_the_admin(path: str, api: Api, alice: User) -> None:
    User.objects.filter(id=alice.id).update(is_staff=True, is_superuser=True)

    response = api.by(alice).get(path)

    assert response.status_code == 302


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_that_open_pages_name_no_tenant_and_nobody(path: str, api: Api, shop: Estate) -> None:
    assert shop.database

    response = api.get(f"/{path}")

    text = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined] # of streaming answers
    for name in (shop.tenant.id, shop.database.id, shop.owner.id):
        assert str(name).encode() not in text
