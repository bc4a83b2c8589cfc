"""That operators see webhooks and deliveries, change nothing, and see no secret."""

import pytest
from django.test import Client

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.cast import PASSWORD
from tests.webhooks.cast import happened
from webhooks.models import Attempt, Endpoint


@pytest.fixture
def admin(db: None) -> Client:
    """The admin as an operator sees it."""
    del db
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", PASSWORD))
    return client


def test_that_webhooks_are_shown_without_their_secret(admin: Client, webhook: Endpoint) -> None:
    listed = admin.get("/admin/webhooks/endpoint/", {"q": "shop"})
    opened = admin.get(f"/admin/webhooks/endpoint/{webhook.id}/change/")

    assert (listed.status_code, opened.status_code) == (200, 200)
    assert webhook.url.encode() in listed.content
    assert webhook.url.encode() in opened.content
    assert webhook.secret.encode() not in opened.content


def test_that_deliveries_are_shown_with_their_tries(admin: Client, webhook: Endpoint, shop: Tenant) -> None:
    (delivery,) = happened(shop)
    now = SYSTEM_CLOCK.now()
    Attempt.objects.create(delivery=delivery, number=1, at=now, duration_ms=1, outcome="refused", detail="a reason")

    listed = admin.get("/admin/webhooks/delivery/", {"q": "shop"})
    opened = admin.get(f"/admin/webhooks/delivery/{delivery.id}/change/")

    assert b"operation.failed" in listed.content
    assert b"a reason" in opened.content
    assert b"It happened." in opened.content
    assert webhook.url.encode() in opened.content


@pytest.mark.parametrize("page", ["add/", "{id}/delete/"])
def test_that_nothing_is_changed_here(admin: Client, webhook: Endpoint, page: str) -> None:
    assert admin.get(f"/admin/webhooks/endpoint/{page.format(id=webhook.id)}").status_code == 403
    assert (
        admin.post(f"/admin/webhooks/endpoint/{webhook.id}/change/", {"url": "https://x.example/"}).status_code == 403
    )
