"""That changes of a webhook that meet do not undo each other, and that filters are kept once."""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.encryption import seal, unseal
from dbaas.core.errors import Stale
from tenants.models import Tenant
from tests.cast import acting
from tests.webhooks.cast import webhook_of
from webhooks import endpoints
from webhooks.ending import note_failure
from webhooks.models import Endpoint


def test_that_a_change_of_another_version_is_refused(alice: User, shop: Tenant, webhook: Endpoint) -> None:
    endpoints.change(acting(alice), shop.id, webhook.id, description="first", expected_version=webhook.version)

    with pytest.raises(Stale):
        endpoints.change(acting(alice), shop.id, webhook.id, description="second", expected_version=webhook.version)

    assert Endpoint.objects.get().description == "first"


def test_that_of_two_rotations_at_once_one_counts(
    alice: User, shop: Tenant, webhook: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would have shown a secret, but only one of them can be the webhook's."""
    other: list[str] = []

    def overtaken(row: Any, column: str, plain: str) -> None:
        if not other:
            other.append("on its way")
            other[0] = endpoints.rotate_secret(acting(alice), shop.id, webhook.id)[1]
        seal(row, column, plain)

    monkeypatch.setattr(endpoints, "seal", overtaken)

    with pytest.raises(Stale):
        endpoints.rotate_secret(acting(alice), shop.id, webhook.id)

    assert unseal(Endpoint.objects.get(), "secret") == other[0]


def test_that_filters_are_kept_once(alice: User, shop: Tenant) -> None:
    assert webhook_of(alice, shop, "backup.*", "*", "backup.*")[0].events == ["backup.*", "*"]


def test_that_a_webhook_without_old_secret_has_an_empty_one(webhook: Endpoint) -> None:
    assert unseal(webhook, "old_secret") == ""
    assert str(webhook) == str(webhook.id)


def test_that_it_is_switched_off_once(webhook: Endpoint) -> None:
    """Two tries may fail for good in transactions that do not see each other's end."""
    for _ in range(2):
        with atomic():
            note_failure(webhook, status=410, now=SYSTEM_CLOCK.now())

    assert AuditEvent.objects.filter(action="webhook.disabled").count() == 1
