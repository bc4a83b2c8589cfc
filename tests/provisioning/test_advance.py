"""That a tick saves everything or nothing, sleeps when it should, and stops where a person must look."""

import importlib
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from dbaas.core.crash import CrashPointReached, armed
from dbaas.core.errors import Permanent, Transient
from provisioning import lease, operations
from provisioning.advance import advance
from provisioning.cluster.kinds import SECRET, Ref
from provisioning.heartbeats import WATCHER_STALE_AFTER, watcher_of
from provisioning.lease import CLOCK_SKEW, LEASE, WORK_FOR, LeaseLost
from provisioning.models import Cluster, Database, Heartbeat, Operation, OperationEvent, Resource
from provisioning.run import Run
from provisioning.workflow.declare import Wait
from provisioning.workflow.runner import LOST_WORKERS_LIMIT
from tests.provisioning.stage import StoppedClock

Ordered = Callable[..., Operation]
Act = Callable[[Run], Wait | None]
Script = dict[str, Act]


@pytest.fixture
def script() -> Iterator[Script]:
    """What the steps of `rehearse` do; that operation is in the registry for this test."""
    folder = str(Path(__file__).parent / "rehearsal")
    operations.__path__.append(folder)
    operations.all_workflows.cache_clear()
    module: Any = importlib.import_module("provisioning.operations.rehearse")
    yield module.SCRIPT
    module.SCRIPT.clear()
    operations.__path__.remove(folder)
    operations.all_workflows.cache_clear()


@pytest.fixture
def rehearsal(script: Script, nowhere: Cluster, ordered: Ordered) -> Operation:
    """A rehearsal that is due."""
    del script, nowhere
    operation = ordered()
    Operation.objects.filter(pk=operation.pk).update(kind="rehearse")
    Database.objects.filter(pk=operation.database_id).update(active_operation_kind="rehearse", previous_state="ready")
    return operation


@pytest.fixture
def work(clock: StoppedClock, rehearsal: Operation) -> Callable[[], Operation]:
    """Let a worker take the rehearsal as far as it goes, and return its row."""

    def advance_it() -> Operation:
        clock.catch_up()
        advance(rehearsal.id, clock=clock, jitter=random.Random(1))
        return Operation.objects.select_related("database").get(pk=rehearsal.pk)

    return advance_it


Work = Callable[[], Operation]


def raises(error: BaseException) -> Act:
    def act(run: Run) -> None:
        run.record(phase="Broken")
        raise error

    return act


def waits(reason: str = "Not yet.", again_in: timedelta | None = None) -> Act:
    return lambda _run: Wait(reason=reason, again_in=again_in)


def told(operation: Operation) -> list[str]:
    return list(OperationEvent.objects.filter(operation=operation).order_by("seq").values_list("event", flat=True))


def test_that_it_goes_to_the_end_in_one_go(work: Work) -> None:
    ended = work()

    assert (ended.state, ended.progress, ended.holds_database, ended.lease_until) == ("succeeded", 100, False, None)
    assert (ended.database.state, ended.database.active_operation_id) == ("ready", None)
    assert told(ended) == ["accepted", "started", "done", "started", "done", "succeeded"]


def test_that_what_is_not_due_is_left_alone(rehearsal: Operation, clock: StoppedClock) -> None:
    Operation.objects.update(next_run_at=clock.now() + timedelta(minutes=1))

    assert not advance(rehearsal.id, clock=clock)
    assert told(rehearsal) == ["accepted"]


def test_that_a_lease_that_is_lost_in_the_middle_saves_nothing(
    work: Work, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    def lose(run: Run) -> None:
        run.record(phase="Stolen")
        Operation.objects.filter(pk=run.operation.pk).update(lease_token=99)

    script["second"] = lose

    after = work()

    assert (after.state, after.step, after.lease_token) == ("running", "second", 99)
    assert told(after) == ["accepted", "started", "done", "started"]
    assert after.database.phase == ""
    assert "the lease was lost" in caplog.text


def test_that_a_worker_that_meets_a_later_one_s_work_drops_everything(
    work: Work, script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    def meet(run: Run) -> None:
        run.record(phase="Stale")
        raise LeaseLost

    script["second"] = meet

    after = work()

    assert (after.state, after.step, after.error_code) == ("running", "second", "")
    assert after.database.phase == ""
    assert "the lease was lost" in caplog.text


def test_that_a_lease_that_is_lost_between_two_steps_takes_no_further_step(
    work: Work, script: Script, rehearsal: Operation
) -> None:
    played: list[str] = []
    script["second"] = lambda _run: played.append("second")

    def steal(point: str) -> None:
        if point == "advance.after_save":
            Operation.objects.filter(pk=rehearsal.pk).update(lease_token=99)

    with armed(steal):
        after = work()

    assert (after.step, played) == ("second", [])


def test_that_a_wake_up_during_the_step_makes_it_due_at_once(
    work: Work, script: Script, clock: StoppedClock, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    def wake_meanwhile(run: Run) -> Wait:
        lease.make_due([run.operation.pk], now=clock.now())
        return Wait(reason="Not yet.")

    script["first"] = wake_meanwhile

    with django_capture_on_commit_callbacks() as pokes:
        after = work()

    assert (after.state, after.next_run_at, after.lease_until) == ("waiting", clock.now(), None)
    assert len(pokes) == 1


def test_that_a_wait_sleeps_and_pokes_nobody(
    work: Work, script: Script, clock: StoppedClock, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    script["first"] = waits(again_in=timedelta(seconds=40))

    with django_capture_on_commit_callbacks() as pokes:
        after = work()

    assert (after.state, after.next_run_at) == ("waiting", clock.now() + timedelta(seconds=40))
    assert pokes == []


def test_that_a_worker_that_worked_long_enough_naps_and_lets_another_go_on(
    work: Work, script: Script, clock: StoppedClock, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    tries: list[int] = []

    def take_long(run: Run) -> None:
        run.claim.claimed_at_monotonic -= WORK_FOR.total_seconds()

    script["first"] = take_long
    script["second"] = lambda run: tries.append(run.operation.attempt)

    with django_capture_on_commit_callbacks() as pokes:
        after = work()
    tired = (after.state, after.step, after.lease_until, after.next_run_at)
    ended = work()

    assert tired[:3] == ("running", "second", None)
    assert len(pokes) == 1
    assert (ended.state, tries) == ("succeeded", [1])
    assert clock.now() > (tired[3] or clock.now())


def test_that_a_step_that_breaks_stops_the_operation_and_leaves_the_database(work: Work, script: Script) -> None:
    script["second"] = raises(KeyError("ours"))

    stuck = work()

    assert (stuck.state, stuck.step, stuck.error_code) == ("stuck", "second", "internal.error")
    assert (stuck.next_run_at, stuck.lease_until, stuck.holds_database) == (None, None, True)
    assert told(stuck)[-1] == "stuck"
    assert (stuck.database.state, stuck.database.phase) == ("changing", "")
    assert stuck.database.active_operation_id == stuck.id


def test_that_what_a_step_notes_is_kept_when_it_only_has_to_be_tried_again(work: Work, script: Script) -> None:
    before = Database.objects.get()
    script["first"] = raises(Transient("Busy."))

    after = work()

    assert (after.state, after.step, after.waiting_for, after.attempt) == ("running", "first", "Busy.", 1)
    assert (after.database.phase, after.database.row_version) == ("Broken", before.row_version + 1)


def test_that_a_permanent_error_is_undone_and_the_database_goes_back(work: Work, script: Script) -> None:
    script["second"] = raises(Permanent("Refused."))

    ended = work()

    assert (ended.state, ended.error_code, ended.error_detail) == ("failed", "outside.permanent", "Refused.")
    assert (ended.database.state, ended.database.active_operation_id) == ("ready", None)
    assert told(ended)[-3:] == ["turned_back", "undone", "failed"]


def test_that_a_change_of_state_that_is_not_allowed_is_never_saved(
    work: Work, script: Script, rehearsal: Operation
) -> None:
    script["first"] = lambda _run: Wait(reason="It is not time.")
    Operation.objects.filter(pk=rehearsal.pk).update(state="undoing", step="")

    with pytest.raises(AssertionError, match="may not go from undoing to waiting"):
        work()

    assert Operation.objects.get(pk=rehearsal.pk).state == "undoing"
    assert told(rehearsal) == ["accepted"]


@pytest.mark.parametrize(
    ("beat_ago", "shortest", "longest"),
    [
        (timedelta(seconds=1), timedelta(seconds=30), timedelta(minutes=5)),
        (WATCHER_STALE_AFTER, timedelta(seconds=5), timedelta(seconds=30)),
        (None, timedelta(seconds=5), timedelta(seconds=30)),
    ],
    ids=["watched", "stale", "never watched"],
)
def test_that_it_looks_more_often_where_nobody_watches(
    work: Work,
    script: Script,
    clock: StoppedClock,
    nowhere: Cluster,
    beat_ago: timedelta | None,
    shortest: timedelta,
    longest: timedelta,
) -> None:
    script["second"] = waits()
    clock.catch_up()

    def pause() -> timedelta:
        if beat_ago is not None:
            Heartbeat.beat(watcher_of(nowhere), now=clock.now() - beat_ago)
        Operation.objects.update(next_run_at=clock.now())
        return (work().next_run_at or clock.now()) - clock.now()

    pauses = [pause()]
    clock.forward(timedelta(minutes=11))
    pauses.append(pause())

    assert pauses == [shortest, longest]


@pytest.mark.parametrize("how", ["database", "time"])
def test_that_what_ends_the_worker_leaves_the_step_to_the_next(
    script: Script, rehearsal: Operation, clock: StoppedClock, how: str
) -> None:
    class TimeIsUp(Exception):
        """The task's soft limit, as Celery raises it."""

    error = OperationalError("the connection is closed") if how == "database" else TimeIsUp()
    script["second"] = raises(error)
    clock.catch_up()
    with pytest.raises(type(error)):
        advance(rehearsal.id, clock=clock, ends_worker=(TimeIsUp,))
    held = Operation.objects.get(pk=rehearsal.pk)
    script.pop("second")
    clock.forward(LEASE + CLOCK_SKEW * 2)

    advance(rehearsal.id, clock=clock)

    ended = Operation.objects.get(pk=rehearsal.pk)
    assert (held.state, held.step, held.lease_until is not None) == ("running", "second", True)
    assert ended.state == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_that_a_database_error_inside_a_step_is_one_of_those(
    work: Work, script: Script, clock: StoppedClock, rehearsal: Operation
) -> None:
    def lose_connection(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if Resource._meta.db_table in sql:
            raise OperationalError("server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    script["first"] = lambda run: run.strike_from_ledger(Ref(kind=SECRET, name="one"))

    with connection.execute_wrapper(lose_connection), pytest.raises(OperationalError):
        work()

    assert Operation.objects.get(pk=rehearsal.pk).state == "queued"
    clock.forward(LEASE + CLOCK_SKEW * 2)
    assert work().state == "succeeded"


def test_that_a_step_that_kills_every_worker_is_stopped(work: Work, script: Script, clock: StoppedClock) -> None:
    script["first"] = raises(CrashPointReached())

    for _ in range(LOST_WORKERS_LIMIT):
        with pytest.raises(CrashPointReached):
            work()
        clock.forward(LEASE + CLOCK_SKEW * 2)
    stuck = work()

    assert (stuck.state, stuck.error_code) == ("stuck", "operation.workers_lost")
    assert stuck.lost_workers == LOST_WORKERS_LIMIT


def test_that_a_wait_that_goes_on_is_one_line_and_a_new_reason_another(
    work: Work, script: Script, clock: StoppedClock
) -> None:
    for reason in ("One.", "One.", "Two.", "Two."):
        script["first"] = waits(reason, again_in=timedelta(seconds=1))
        now = work()
        clock.forward(timedelta(seconds=2))

    assert told(now) == ["accepted", "started", "waiting", "waiting"]


def test_that_the_timeline_says_how_long_each_step_took(work: Work, script: Script, clock: StoppedClock) -> None:
    script["first"] = waits(again_in=timedelta(seconds=1))
    work()
    clock.forward(timedelta(seconds=30))
    script.clear()

    ended = work()

    durations = OperationEvent.objects.filter(operation=ended, event="done").order_by("seq")
    assert [30_000 <= (line.duration_ms or 0) < 40_000 for line in durations] == [True, False]
