"""That an operation has one driver at a time, that a frozen driver changes nothing, and that no wake-up is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning import lease
from provisioning.lease import CLOCK_SKEW, LEASE, LeaseLost, Line
from provisioning.models import Operation, OperationEvent

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]
NOW = SYSTEM_CLOCK.now() + timedelta(hours=1)


def claimed(operation: Operation) -> lease.Claim:
    claim = lease.claim(operation.id, now=NOW)
    assert claim is not None
    return claim


def test_that_a_due_and_free_operation_can_be_claimed(ordered: Ordered) -> None:
    claim = claimed(ordered())

    row = claim.operation
    assert (row.lease_token, row.attempt, row.lease_until) == (1, 1, NOW + LEASE)
    assert row.next_run_at == NOW + LEASE + CLOCK_SKEW


def test_that_it_can_be_claimed_once(ordered: Ordered) -> None:
    operation = ordered()
    claimed(operation)

    assert lease.claim(operation.id, now=NOW) is None


def test_that_it_cannot_be_claimed_before_its_time(ordered: Ordered) -> None:
    operation = ordered()

    assert lease.claim(operation.id, now=operation.created_at - timedelta(seconds=1)) is None


@pytest.mark.parametrize("state", ["succeeded", "failed", "cancelled", "stuck"])
def test_that_what_rests_cannot_be_claimed(ordered: Ordered, state: str) -> None:
    operation = ordered()
    Operation.objects.filter(pk=operation.pk).update(state=state)

    assert lease.claim(operation.id, now=NOW) is None


def test_that_nothing_can_be_claimed_where_nothing_is() -> None:
    assert lease.claim(uuid4(), now=NOW) is None


def test_that_a_lease_that_ran_out_can_be_taken_over_and_is_counted(ordered: Ordered) -> None:
    operation = ordered()
    claimed(operation)

    again = lease.claim(operation.id, now=NOW + LEASE + CLOCK_SKEW * 2)

    assert again is not None
    assert (again.token, again.operation.lost_workers, again.operation.attempt) == (2, 1, 2)


def test_that_a_lease_is_not_taken_over_before_the_clocks_can_agree(ordered: Ordered) -> None:
    operation = ordered()
    claimed(operation)
    Operation.objects.filter(pk=operation.pk).update(next_run_at=NOW)

    assert lease.claim(operation.id, now=NOW + LEASE + CLOCK_SKEW / 2) is None


WRITES: list[Callable[[lease.Claim], object]] = [
    lambda frozen: lease.keep(frozen, columns={"step": "stolen"}),
    lambda frozen: lease.nap(frozen, until=NOW, now=NOW, columns={"step": "stolen"}),
    lambda frozen: lease.end(frozen, columns={"step": "stolen"}),
]


@pytest.mark.parametrize("write", WRITES, ids=["keep", "nap", "end"])
def test_that_a_frozen_worker_saves_nothing_after_another_took_over(
    ordered: Ordered, write: Callable[[lease.Claim], object]
) -> None:
    operation = ordered()
    frozen = claimed(operation)
    lease.claim(operation.id, now=NOW + LEASE + CLOCK_SKEW * 2)

    with pytest.raises(LeaseLost):
        write(frozen)

    assert Operation.objects.get(pk=operation.pk).step == ""


def test_that_a_renewed_claim_of_a_lost_lease_is_refused(ordered: Ordered) -> None:
    operation = ordered()
    frozen = claimed(operation)
    lease.claim(operation.id, now=NOW + LEASE + CLOCK_SKEW * 2)

    with pytest.raises(LeaseLost):
        lease.renewed(frozen)


def test_that_a_nap_gives_the_lease_back(ordered: Ordered) -> None:
    claim = claimed(ordered())

    asleep = lease.nap(claim, until=NOW + timedelta(minutes=5), now=NOW, columns={"state": "waiting"})

    row = Operation.objects.get(pk=claim.operation.pk)
    assert asleep
    assert (row.state, row.lease_until, row.next_run_at) == ("waiting", None, NOW + timedelta(minutes=5))


def test_that_a_nap_after_a_wake_up_does_not_sleep(ordered: Ordered) -> None:
    claim = claimed(ordered())
    lease.make_due([claim.operation.pk], now=NOW)

    asleep = lease.nap(claim, until=NOW + timedelta(minutes=5), now=NOW, columns={})

    assert not asleep
    assert Operation.objects.get(pk=claim.operation.pk).next_run_at == NOW


def test_that_a_wake_up_before_the_last_look_is_not_counted_twice(ordered: Ordered) -> None:
    claim = claimed(ordered())
    lease.make_due([claim.operation.pk], now=NOW)

    asleep = lease.nap(lease.renewed(claim), until=NOW + timedelta(minutes=5), now=NOW, columns={})

    assert asleep


def test_that_what_has_ended_is_not_due_again(ordered: Ordered) -> None:
    claim = claimed(ordered())
    lease.end(claim, columns={"state": "succeeded"})

    assert lease.make_due([claim.operation.pk], now=NOW) == 0
    assert Operation.objects.get(pk=claim.operation.pk).next_run_at is None


def test_that_what_has_ended_is_never_written_again(ordered: Ordered) -> None:
    claim = claimed(ordered())
    lease.end(claim, columns={"state": "succeeded"})

    with pytest.raises(LeaseLost):
        lease.keep(claim, columns={"state": "running"})


def test_that_an_old_claim_may_begin_no_further_effect(ordered: Ordered) -> None:
    claim = claimed(ordered())
    assert claim.may_take_effect()

    claim.claimed_at_monotonic -= lease.LAST_EFFECT_AFTER.total_seconds()

    assert not claim.may_take_effect()


def test_that_lines_are_numbered_by_the_row(ordered: Ordered) -> None:
    operation = ordered()
    line = Line(event="noted", step="", message="x" * 3000)

    with atomic():
        lease.write_timeline(operation.id, [], at=NOW)
        lease.write_timeline(operation.id, [line, line], at=NOW)
        lease.write_timeline(operation.id, [line], at=NOW)

    found = OperationEvent.objects.filter(operation=operation, event="noted").order_by("seq")
    assert [event.seq for event in found] == [2, 3, 4]
    assert len(found[0].message) == 2000


def test_that_a_claim_takes_three_queries_and_a_vain_one_takes_one(
    ordered: Ordered, django_assert_num_queries: Callable[..., Any]
) -> None:
    operation = ordered()

    with django_assert_num_queries(3):
        lease.claim(operation.id, now=NOW)
    with django_assert_num_queries(1):
        lease.claim(operation.id, now=NOW)


@pytest.mark.parametrize("columns", [{"lease_token": 7}, {"state": "cancelled"}, {"next_run_at": NOW + LEASE}])
def test_that_what_changed_between_the_look_and_the_take_is_not_taken(
    ordered: Ordered, columns: dict[str, Any]
) -> None:
    operation = ordered()

    with meanwhile(operation, "before", columns):
        claim = lease.claim(operation.id, now=NOW)

    assert claim is None
    assert Operation.objects.get(pk=operation.pk).lease_until is None


def test_that_a_worker_frozen_right_after_the_take_does_not_begin(ordered: Ordered) -> None:
    operation = ordered()

    with meanwhile(operation, "after", {"lease_token": 7}):
        claim = lease.claim(operation.id, now=NOW)

    assert claim is None


@contextmanager
def meanwhile(operation: Operation, when: str, columns: dict[str, Any]) -> Iterator[None]:
    """Let somebody else change the row right before, or right after, the UPDATE that takes the lease."""
    left = [columns]

    def interfere(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not (left and sql.startswith("UPDATE")):
            return execute(sql, params, many, context)
        theirs = left.pop()
        if when == "before":
            Operation.objects.filter(pk=operation.pk).update(**theirs)
            return execute(sql, params, many, context)
        result = execute(sql, params, many, context)
        Operation.objects.filter(pk=operation.pk).update(**theirs)
        return result

    with connection.execute_wrapper(interfere):
        yield


def test_that_of_many_workers_one_gets_the_operation(
    ordered_at_once: Operation,
    at_once: Callable[[list[Callable[[], lease.Claim | None]]], list[lease.Claim | Exception | None]],
) -> None:
    results = at_once([lambda: lease.claim(ordered_at_once.id, now=NOW)] * 8)

    claims = [result for result in results if result is not None]
    assert len(claims) == 1
    assert isinstance(claims[0], lease.Claim)


@pytest.fixture
def ordered_at_once(shared_database: None, ordered: Ordered) -> Operation:
    """An operation in the database that threads share."""
    del shared_database
    return ordered()
