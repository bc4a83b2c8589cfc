"""That what happened is written down for those who want to know, in the transaction in which it happened, and costs the others one query."""

from typing import Any

import orjson
import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.ids import uuid7
from tenants.models import Tenant
from tests.cast import acting, tenant_of
from tests.webhooks.cast import happened, webhook_of
from webhooks import endpoints
from webhooks.models import Delivery, DeliveryState, Event
from webhooks.outbox import publish


def test_that_it_is_due_at_once_for_those_whose_filters_let_it_through(alice: User, shop: Tenant) -> None:
    listening, _ = webhook_of(alice, shop, "operation.*")
    webhook_of(alice, shop, "backup.*")

    delivery, *others = happened(shop, "operation.failed")

    assert others == []
    assert (delivery.endpoint_id, delivery.state, delivery.tries) == (listening.id, DeliveryState.PENDING, 0)
    assert delivery.next_attempt_at is not None
    assert delivery.next_attempt_at <= SYSTEM_CLOCK.now()


def test_that_the_body_says_what_when_and_whose(alice: User, shop: Tenant) -> None:
    webhook_of(alice, shop)
    known = uuid7()

    happened(shop, "operation.failed", event_id=known)

    event = Event.objects.get(pk=known)
    assert str(event) == f"operation.failed {known}"
    body = orjson.loads(event.body)
    assert body == {
        "id": str(known),
        "type": "operation.failed",
        "timestamp": f"{event.at:%Y-%m-%dT%H:%M:%S}.{event.at.microsecond // 1000:03d}Z",
        "tenant": str(shop.id),
        "data": {"message": "It happened."},
    }


def test_that_one_event_has_one_id_for_all(alice: User, shop: Tenant) -> None:
    webhook_of(alice, shop)
    webhook_of(alice, shop)

    first, second = happened(shop)

    assert first.event_id == second.event_id


def test_that_nobody_else_is_told(alice: User, charlie: User, shop: Tenant) -> None:
    webhook_of(charlie, tenant_of(charlie, "other"))
    off, _ = webhook_of(alice, shop)
    endpoints.change(acting(alice), shop.id, off.id, enabled=False)

    assert happened(shop) == []
    assert not Event.objects.exists()


def test_that_it_costs_one_query_where_nobody_wants_to_know(
    alice: User, shop: Tenant, django_assert_num_queries: Any
) -> None:
    webhook_of(alice, shop, "backup.*")

    def asked() -> dict[str, Any]:
        raise AssertionError("nobody wants to know")

    with django_assert_num_queries(1):
        publish(shop.id, "operation.failed", asked, at=SYSTEM_CLOCK.now())


def test_that_nothing_is_told_of_what_did_not_happen(alice: User, shop: Tenant) -> None:
    webhook_of(alice, shop)

    with pytest.raises(ZeroDivisionError):
        _publish_and_break(shop)

    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


def _publish_and_break(tenant: Tenant) -> None:
    with atomic():
        publish(tenant.id, "operation.failed", dict, at=SYSTEM_CLOCK.now())
        raise ZeroDivisionError
