"""That what is due is found and sent to the queue, fairly, and not again and again; and that what is old is forgotten."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from celery import current_app
from django.test import Client

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.webhooks.cast import happened, webhook_of
from webhooks import dispatching
from webhooks.dispatching import AGAIN_AFTER, MOST_PER_ENDPOINT, dispatch_due, forget_old, oldest_due_age
from webhooks.models import Attempt, Delivery, DeliveryState, Endpoint, Event
from webhooks.tasks import DELIVER
from webhooks.tasks import dispatch_due as dispatch_due_task


def sent(ahead: timedelta = timedelta()) -> list[UUID]:
    found: list[UUID] = []
    number = dispatch_due(now=SYSTEM_CLOCK.now() + ahead, send=found.append)
    assert number == len(found)
    return found


def test_that_what_is_due_is_sent_once(webhook: Endpoint, shop: Tenant) -> None:
    (delivery,) = happened(shop)

    assert sent() == [delivery.pk]
    assert sent() == []
    assert sent(AGAIN_AFTER) == [delivery.pk], "the message was lost"
    assert webhook.is_enabled


@pytest.mark.parametrize("columns", [{"next_attempt_at": None}, {"state": DeliveryState.DELIVERED}])
def test_that_what_is_not_due_is_not_sent(webhook: Endpoint, shop: Tenant, columns: dict[str, Any]) -> None:
    del webhook
    happened(shop)
    Delivery.objects.update(**columns)

    assert sent() == []


def test_that_a_backlog_of_one_webhook_does_not_come_before_the_others(
    webhook: Endpoint, alice: User, shop: Tenant
) -> None:
    Endpoint.objects.filter(pk=webhook.pk).update(events=["operation.*"])
    for _ in range(MOST_PER_ENDPOINT + 3):
        happened(shop)
    other, _ = webhook_of(alice, shop, "backup.*")
    (last,) = happened(shop, "backup.failed")

    found = sent()

    assert len(found) == MOST_PER_ENDPOINT + 1
    assert last.pk in found
    assert last.endpoint_id == other.pk


def test_that_a_tick_is_bounded(webhook: Endpoint, alice: User, shop: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    del webhook
    monkeypatch.setattr(dispatching, "MOST_AT_ONCE", 1)
    webhook_of(alice, shop)
    happened(shop)

    assert len(sent()) == 1


def test_that_of_two_dispatchers_one_sends(webhook: Endpoint, shop: Tenant) -> None:
    del webhook
    (delivery,) = happened(shop)
    found: list[UUID] = []

    def send(delivery_id: UUID) -> None:
        found.append(delivery_id)
        found.extend(sent())

    dispatch_due(now=SYSTEM_CLOCK.now(), send=send)

    assert found == [delivery.pk]


def test_that_a_stamp_that_another_set_meanwhile_is_respected(
    webhook: Endpoint, shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    del webhook
    (delivery,) = happened(shop)
    monkeypatch.setattr(dispatching, "_fair_share", lambda _now: [delivery.pk, delivery.pk])

    assert sent() == [delivery.pk]


def test_that_the_oldest_that_is_due_is_known(webhook: Endpoint, shop: Tenant) -> None:
    del webhook
    now = SYSTEM_CLOCK.now()
    assert oldest_due_age(now=now) == timedelta()

    (delivery,) = happened(shop)
    Delivery.objects.filter(pk=delivery.pk).update(next_attempt_at=now - timedelta(minutes=3))

    assert oldest_due_age(now=now) == timedelta(minutes=3)


def test_that_metrics_tell_of_it(webhook: Endpoint, shop: Tenant, client: Client) -> None:
    happened(shop)
    Delivery.objects.update(next_attempt_at=SYSTEM_CLOCK.now() - timedelta(minutes=3))
    Endpoint.objects.filter(pk=webhook.pk).update(failing_since=SYSTEM_CLOCK.now())

    text = client.get("/metrics").content.decode()

    assert "dbaas_webhook_oldest_due_seconds 18" in text
    assert "dbaas_webhook_deliveries_pending 1.0" in text
    assert "dbaas_webhooks_failing 1.0" in text
    assert "dbaas_webhook_attempts_total" in text


def test_that_what_is_old_is_forgotten_with_its_tries(webhook: Endpoint, shop: Tenant, settings: Any) -> None:
    del webhook
    settings.WEBHOOK_RETENTION_DAYS = 30
    old, young, pending = (happened(shop)[0] for _ in range(3))
    now = SYSTEM_CLOCK.now()
    for delivery, age in ((old, 31), (young, 29)):
        ended = now - timedelta(days=age)
        Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, finished_at=ended)
    Event.objects.update(at=now - timedelta(days=31))
    Attempt.objects.create(delivery=old, number=1, at=now, duration_ms=1, outcome="refused")

    removed = forget_old(now=now)

    assert removed == 2
    assert set(Delivery.objects.values_list("pk", flat=True)) == {young.pk, pending.pk}
    assert set(Event.objects.values_list("pk", flat=True)) == {young.event_id, pending.event_id}
    assert not Attempt.objects.exists()


def test_that_the_tasks_do_their_work(webhook: Endpoint, shop: Tenant) -> None:
    """The message of the dispatcher is taken off the queue as a worker would."""
    del webhook
    (delivery,) = happened(shop)
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED)
    taken: list[Any] = []
    current_app.loader.import_default_modules()

    current_app.tasks["webhooks.forget"].run()
    current_app.tasks[DELIVER].run(str(delivery.pk), argument_of_a_later_release=1)
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.PENDING)
    with current_app.connection_for_write() as connection:
        queue = current_app.amqp.queues["webhooks"].bind(connection.default_channel)
        queue.declare()
        queue.purge()
        dispatch_due_task()
        message = queue.get(no_ack=True)
        taken.append(message.payload[0])

    assert taken == [[str(delivery.pk)]]
