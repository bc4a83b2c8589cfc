"""That whatever is due is sent to a worker, once, fairly, and again if nothing came of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.dispatching import AGAIN_AFTER, AGAIN_AFTER_REFUSAL, dispatch_due, oldest_due_age
from provisioning.heartbeats import DISPATCHER, age_of
from provisioning.lease import CLOCK_SKEW, LEASE, claim, nap
from provisioning.models import Heartbeat, Operation
from provisioning.orders import Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tests import cast

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]
NOW = SYSTEM_CLOCK.now() + timedelta(hours=1)


def sent(now: datetime = NOW, *, taken: bool = True) -> list[UUID]:
    found: list[UUID] = []

    def send(operation_id: UUID) -> bool:
        found.append(operation_id)
        return taken

    dispatch_due(now=now, send=send)
    return found


def test_that_what_is_due_is_sent(ordered: Ordered) -> None:
    operation = ordered()

    assert sent() == [operation.id]


def test_that_what_was_sent_is_not_sent_again_at_once(ordered: Ordered) -> None:
    ordered()
    sent()

    assert sent(NOW + AGAIN_AFTER / 2) == []


def test_that_what_came_to_nothing_is_sent_again(ordered: Ordered) -> None:
    operation = ordered()
    sent()

    assert sent(NOW + AGAIN_AFTER) == [operation.id]


def test_that_what_the_broker_refused_is_sent_again_soon(ordered: Ordered) -> None:
    operation = ordered()
    sent(taken=False)

    assert sent(NOW + AGAIN_AFTER_REFUSAL) == [operation.id]


def test_that_what_is_not_due_waits(ordered: Ordered) -> None:
    ordered()
    Operation.objects.update(next_run_at=NOW + timedelta(seconds=1))

    assert sent() == []


def test_that_what_somebody_drives_is_left_alone_until_the_lease_is_over(ordered: Ordered) -> None:
    operation = ordered()
    claim(operation.id, now=NOW)
    Operation.objects.update(next_run_at=NOW)

    assert sent() == []
    assert sent(NOW + LEASE + CLOCK_SKEW * 2) == [operation.id]


@pytest.mark.parametrize(
    ("lease_until", "is_free"),
    [(NOW, False), (NOW - CLOCK_SKEW, False), (NOW - CLOCK_SKEW - timedelta(milliseconds=1), True)],
)
def test_that_a_lease_holds_until_the_clocks_must_agree_that_it_is_over(
    ordered: Ordered, lease_until: datetime, is_free: bool
) -> None:
    ordered()
    Operation.objects.update(lease_until=lease_until)

    assert bool(sent()) is is_free


def test_that_what_napped_is_sent_the_moment_it_is_due_again(ordered: Ordered) -> None:
    operation = ordered()
    sent()
    held = claim(operation.id, now=NOW)
    assert held is not None
    nap(held, until=NOW + timedelta(seconds=1), now=NOW, columns={})

    assert sent(NOW + timedelta(seconds=1)) == [operation.id]


def test_that_a_refusal_is_not_counted_as_sent(ordered: Ordered) -> None:
    ordered()

    assert dispatch_due(now=NOW, send=lambda _: False) == 0
    assert sent(NOW + AGAIN_AFTER_REFUSAL - timedelta(seconds=1)) == []


def test_that_an_idle_tick_costs_two_queries(django_assert_num_queries: Callable[..., Any]) -> None:
    sent()

    with django_assert_num_queries(2):
        sent(NOW + timedelta(seconds=1))


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "stuck"])
def test_that_what_rests_is_left_alone(ordered: Ordered, state: str) -> None:
    ordered()
    Operation.objects.update(state=state)

    assert sent() == []


def test_that_the_most_overdue_goes_first(ordered: Ordered) -> None:
    late, later = ordered("a"), ordered("b")
    Operation.objects.filter(pk=late.pk).update(next_run_at=NOW - timedelta(seconds=1))
    Operation.objects.filter(pk=later.pk).update(next_run_at=NOW - timedelta(seconds=9))

    assert sent() == [later.id, late.id]


def test_that_no_tenant_fills_the_queue_alone(ordered: Ordered, charlie: User, settings: Any) -> None:
    settings.MAX_OPERATIONS_PER_TENANT_IN_DISPATCH = 2
    for name in ("a", "b", "c"):
        ordered(name)
    other = cast.tenant_of(charlie, "books")
    theirs = order_database(cast.acting(charlie), other.id, Wish(name="x", engine="redis"), Idempotency()).operation

    first = sent()

    assert theirs.id in first
    assert len(first) == 3


def test_that_one_tick_sends_a_bounded_number(ordered: Ordered, settings: Any) -> None:
    settings.MAX_OPERATIONS_IN_DISPATCH = 2
    for name in ("a", "b", "c"):
        ordered(name)

    assert len(sent()) == 2
    assert len(sent()) == 1


def test_that_it_beats_but_not_at_every_tick() -> None:
    sent()
    sent(NOW + timedelta(seconds=1))
    first = Heartbeat.objects.get(pk=DISPATCHER).beat_at
    sent(NOW + timedelta(seconds=6))

    assert first == NOW
    assert age_of(DISPATCHER, now=NOW + timedelta(seconds=6)) == timedelta()


def test_that_nothing_due_is_no_delay(ordered: Ordered) -> None:
    assert oldest_due_age(now=NOW) == timedelta()

    ordered()
    Operation.objects.update(next_run_at=NOW - timedelta(seconds=7))

    assert oldest_due_age(now=NOW) == timedelta(seconds=7)


def test_that_dispatchers_at_once_send_each_operation_once(
    shared_database: None,
    ordered: Ordered,
    at_once: Callable[[list[Callable[[], list[UUID]]]], list[list[UUID] | Exception]],
) -> None:
    del shared_database
    operations = {ordered(name).id for name in ("a", "b", "c")}

    results = at_once([sent] * 4)

    everything = [identifier for result in results if isinstance(result, list) for identifier in result]
    assert sorted(everything) == sorted(operations)
