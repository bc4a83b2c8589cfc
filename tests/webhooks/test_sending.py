"""That a message is sent once per claim, that what came of it is kept, and that a worker that dies or freezes loses nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from accounts.models import AuditEvent, User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.crash import CrashPointReached, armed
from tenants.models import Tenant
from tests.cast import acting
from tests.webhooks.cast import happened, webhook_of
from tests.webhooks.servers import OK, Received, answering, server
from webhooks import endpoints
from webhooks.models import Attempt, Delivery, DeliveryState, Endpoint
from webhooks.schedule import AFTER
from webhooks.sending import CLOCK_SKEW, LEASE, PLACES, deliver
from webhooks.transport import Outcome

NOBODY = 65_000
"""A port; nothing is sent to it."""


class Later:
    """A clock that is ahead."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return SYSTEM_CLOCK.now() + self._ahead

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic()


AFTER_THE_LEASE = Later(LEASE + CLOCK_SKEW * 2)


@pytest.fixture(autouse=True)
def on_a_laptop(settings: Any) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True


def due(owner: User, tenant: Tenant, port: int, *, path: str = "in") -> Delivery:
    webhook_of(owner, tenant, url=f"http://127.0.0.1:{port}/{path}")
    return happened(tenant)[-1]


def answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\nok".encode()


def test_that_what_is_due_is_delivered_once(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        outcomes = [deliver(delivery.pk), deliver(delivery.pk)]

    delivery.refresh_from_db()
    attempt = Attempt.objects.get(delivery=delivery)
    assert outcomes == [Outcome.DELIVERED, None]
    assert len(there.received) == 1
    assert (delivery.state, delivery.last_status, delivery.next_attempt_at) == (DeliveryState.DELIVERED, 204, None)
    assert (delivery.lease_until, delivery.slot) == (None, None)
    assert (attempt.number, attempt.outcome, attempt.status) == (1, "delivered", 204)


def test_that_the_body_is_the_stored_one_under_the_event_s_id(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        deliver(delivery.pk)

    request = there.received[0]
    assert request.body.decode() == delivery.event.body
    assert request.headers["webhook-id"] == str(delivery.event_id)
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("raw", "outcome", "status"), [(answer(500), Outcome.REFUSED, 500), (b"", Outcome.UNREACHABLE, None)]
)
def test_that_a_failure_is_tried_again_later(
    alice: User, shop: Tenant, raw: bytes, outcome: Outcome, status: int | None
) -> None:
    before = SYSTEM_CLOCK.now()
    with server(None, answering(raw)) as there:
        delivery = due(alice, shop, there.port)
        assert deliver(delivery.pk) is outcome
        assert deliver(delivery.pk) is None, "it was not due yet"

    delivery.refresh_from_db()
    assert (delivery.state, delivery.tries, delivery.last_status) == (DeliveryState.PENDING, 1, status)
    assert delivery.next_attempt_at is not None
    assert AFTER[1] <= delivery.next_attempt_at - before < AFTER[1] * 2
    assert delivery.endpoint.failing_since is not None


def test_that_it_is_given_up_after_the_last_try(alice: User, shop: Tenant) -> None:
    with server(None, answering(answer(500))) as there:
        delivery = due(alice, shop, there.port)
        Delivery.objects.update(tries=len(AFTER) - 1)
        deliver(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.next_attempt_at) == (DeliveryState.FAILED, None)
    assert delivery.finished_at is not None
    assert delivery.endpoint.is_enabled


def test_that_success_ends_the_failing(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        Endpoint.objects.update(failing_since=SYSTEM_CLOCK.now() - timedelta(hours=30))
        deliver(delivery.pk)

    assert Endpoint.objects.get().failing_since is None


def test_that_gone_switches_the_webhook_off_at_once(alice: User, shop: Tenant) -> None:
    with server(None, answering(answer(410))) as there:
        delivery = due(alice, shop, there.port)
        waiting = happened(shop)[0]
        deliver(delivery.pk)

    webhook = Endpoint.objects.get()
    assert not webhook.is_enabled
    assert "410" in webhook.disabled_because
    assert {row.state for row in Delivery.objects.filter(pk__in=[delivery.pk, waiting.pk])} == {DeliveryState.FAILED}
    assert Attempt.objects.get(delivery=delivery).status == 410
    recorded = AuditEvent.objects.get(action="webhook.disabled")
    assert (recorded.tenant_id, recorded.object_id, recorded.via) == (shop.id, str(webhook.id), "system")


@pytest.mark.parametrize(("hours", "is_enabled"), [(23, True), (25, False)])
def test_that_a_day_of_failures_switches_the_webhook_off(
    alice: User, shop: Tenant, hours: int, is_enabled: bool
) -> None:
    with server(None, answering(answer(500))) as there:
        delivery = due(alice, shop, there.port)
        Endpoint.objects.update(failing_since=SYSTEM_CLOCK.now() - timedelta(hours=hours))
        deliver(delivery.pk)

    assert Endpoint.objects.get().is_enabled is is_enabled


def test_that_the_tenant_s_other_webhooks_are_told_of_it(alice: User, shop: Tenant) -> None:
    with server(None, answering(answer(410))) as there:
        other, _ = webhook_of(alice, shop, "webhook.disabled")
        delivery = due(alice, shop, there.port, path="token-in-the-path")
        deliver(delivery.pk)

    told = Delivery.objects.get(endpoint=other)
    assert told.event.kind == "webhook.disabled"
    assert str(delivery.endpoint_id) in told.event.body
    assert "token-in-the-path" not in told.event.body


def test_that_two_failures_at_once_switch_it_off_once(alice: User, shop: Tenant) -> None:
    with server(None, answering(answer(410))) as there:
        first, second = due(alice, shop, there.port), happened(shop)[0]
        with armed(_once_at("webhooks.after_send", lambda: deliver(second.pk))):
            deliver(first.pk)

    assert len(there.received) == 2
    assert AuditEvent.objects.filter(action="webhook.disabled").count() == 1


def _once_at(point: str, action: Callable[[], object]) -> Callable[[str], None]:
    """Do this when the point is passed for the first time."""
    left = [action]

    def pass_by(name: str) -> None:
        if name == point and left:
            left.pop()()

    return pass_by


@pytest.mark.parametrize("point", ["webhooks.after_claim", "webhooks.after_send"])
def test_that_a_worker_that_dies_loses_nothing(alice: User, shop: Tenant, point: str) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        with pytest.raises(CrashPointReached), armed(_crash_at(point)):
            deliver(delivery.pk)
        assert deliver(delivery.pk) is None, "the dead worker's lease has not run out"

        assert deliver(delivery.pk, clock=AFTER_THE_LEASE) is Outcome.DELIVERED

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DELIVERED
    assert {request.headers["webhook-id"] for request in there.received} == {str(delivery.event_id)}
    assert len(there.received) == (1 if point == "webhooks.after_claim" else 2)


def _crash_at(point: str) -> Callable[[str], None]:
    def crash(name: str) -> None:
        if name == point:
            raise CrashPointReached

    return crash


def test_that_a_worker_that_froze_changes_nothing(alice: User, shop: Tenant) -> None:
    """Its lease ran out while it was sending, and another sent the message meanwhile."""
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        overtaken: list[Outcome | None] = []
        again = partial(deliver, delivery.pk, clock=AFTER_THE_LEASE)
        with armed(_once_at("webhooks.after_send", lambda: overtaken.append(again()))):
            deliver(delivery.pk)

    assert overtaken == [Outcome.DELIVERED]
    assert [attempt.number for attempt in Attempt.objects.filter(delivery=delivery)] == [2]
    assert Delivery.objects.get(pk=delivery.pk).lease_token == 2


def test_that_a_webhook_that_goes_while_it_is_sent_to_is_no_trouble(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        with armed(_once_at("webhooks.after_send", lambda: Endpoint.objects.all().delete())):
            assert deliver(delivery.pk) is Outcome.DELIVERED

    assert not Delivery.objects.exists()
    assert deliver(delivery.pk) is None


def test_that_a_webhook_has_few_places(alice: User, shop: Tenant) -> None:
    delivery = due(alice, shop, NOBODY)
    others = [happened(shop)[0] for _ in range(PLACES)]
    until = SYSTEM_CLOCK.now() + LEASE
    for slot, other in enumerate(others):
        Delivery.objects.filter(pk=other.pk).update(slot=slot, lease_until=until)

    assert deliver(delivery.pk) is None

    delivery.refresh_from_db()
    assert (delivery.tries, delivery.lease_token) == (0, 0)
    assert delivery.dispatch_after is not None
    assert delivery.dispatch_after > SYSTEM_CLOCK.now()


def test_that_a_failing_webhook_has_only_one(alice: User, shop: Tenant) -> None:
    delivery = due(alice, shop, NOBODY)
    other = happened(shop)[0]
    Delivery.objects.filter(pk=other.pk).update(slot=0, lease_until=SYSTEM_CLOCK.now() + LEASE)
    Endpoint.objects.update(failing_since=SYSTEM_CLOCK.now())

    assert deliver(delivery.pk) is None


def test_that_places_of_dead_workers_are_free_again(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        others = [happened(shop)[0] for _ in range(PLACES)]
        for slot, other in enumerate(others):
            Delivery.objects.filter(pk=other.pk).update(slot=slot, lease_until=SYSTEM_CLOCK.now() - CLOCK_SKEW * 2)

        assert deliver(delivery.pk) is Outcome.DELIVERED


def test_that_the_next_place_is_taken_where_one_is_free(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        other = happened(shop)[0]
        Delivery.objects.filter(pk=other.pk).update(slot=0, lease_until=SYSTEM_CLOCK.now() + LEASE)

        assert deliver(delivery.pk) is Outcome.DELIVERED


def test_that_of_two_workers_one_sends(alice: User, shop: Tenant, at_once: Callable[..., list[Any]]) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        outcomes = at_once([lambda: deliver(delivery.pk) for _ in range(4)])

    assert sorted(map(str, outcomes)) == ["None", "None", "None", "delivered"]
    assert len(there.received) == 1


def test_that_a_url_that_is_no_longer_allowed_is_not_called(alice: User, shop: Tenant, settings: Any) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        settings.WEBHOOK_ALLOW_LOOPBACK = False
        assert deliver(delivery.pk) is Outcome.BLOCKED

    assert there.received == []
    assert Delivery.objects.get().state == DeliveryState.PENDING


def test_that_a_secret_that_nobody_can_read_is_told(alice: User, shop: Tenant, settings: Any) -> None:
    with server(None, answering(OK)) as there:
        delivery = due(alice, shop, there.port)
        settings.ENCRYPTION_KEYS = ["another key that is long enough for it"]
        assert deliver(delivery.pk) is Outcome.BLOCKED

    assert "rotate" in Attempt.objects.get().detail
    assert there.received == []


def signatures(received: Received) -> int:
    return len(received.headers["webhook-signature"].split())


def test_that_two_signatures_are_sent_for_a_day(alice: User, shop: Tenant) -> None:
    with server(None, answering(OK)) as there:
        first = due(alice, shop, there.port)
        endpoints.rotate_secret(acting(alice), shop.id, first.endpoint_id)
        second = happened(shop)[0]
        deliver(first.pk)
        deliver(second.pk, clock=Later(timedelta(hours=25)))

    assert [signatures(request) for request in there.received] == [2, 1]
