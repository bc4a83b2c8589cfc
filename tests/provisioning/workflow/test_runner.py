"""Every rule of the runner, one sentence each: what is saved after a step is done, waits, fails, breaks, is late or is cancelled."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dbaas.core.errors import Permanent, Transient
from provisioning.states import DatabaseState, OperationState
from provisioning.workflow.declare import PATIENT, Retry, Wait, Workflow
from provisioning.workflow.position import Move, Position
from provisioning.workflow.runner import LOST_WORKERS_LIMIT, Runner

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
TWICE = Retry(attempts=2, first_pause=timedelta(seconds=2), longest_pause=timedelta(seconds=60))

Script = dict[str, Callable[[], Wait | None]]


class Refused(Permanent):
    """The cluster refused."""

    code = "test.refused"


class Busy(Transient):
    """The cluster is busy."""

    code = "test.busy"


def fail(error: Exception) -> Callable[[], Wait | None]:
    def step() -> Wait | None:
        raise error

    return step


def waits(reason: str, again_in: timedelta | None = None) -> Callable[[], Wait | None]:
    return lambda: Wait(reason=reason, again_in=again_in)


def a_workflow(*, returns: bool = True) -> Workflow:
    workflow = Workflow(
        "build",
        title="Building",
        status="building",
        starts_from=frozenset({DatabaseState.READY}),
        on_success=DatabaseState.READY,
        on_undone=DatabaseState.FAILED,
        within=timedelta(hours=1),
        undo_within=timedelta(minutes=30),
    )

    @workflow.step(retry=TWICE)
    def dig(script: Script) -> Wait | None:
        """Dig."""
        return script.get("dig", lambda: None)()

    @workflow.undo(dig)
    def fill(script: Script) -> Wait | None:
        """Fill the hole."""
        return script.get("fill", lambda: None)()

    @workflow.step(retry=TWICE, within=timedelta(minutes=5), point_of_no_return=not returns)
    def pour(script: Script) -> Wait | None:
        """Pour the concrete."""
        return script.get("pour", lambda: None)()

    @workflow.step(retry=PATIENT, within=timedelta(minutes=10))
    def harden(script: Script) -> Wait | None:
        """Wait until it is hard."""
        return script.get("harden", lambda: None)()

    return workflow


def at(step: str | None, state: OperationState = OperationState.RUNNING) -> Position:
    return Position(
        state=state,
        step=step,
        attempt=1,
        lost_workers=0,
        step_started_at=NOW if step else None,
        step_deadline_at=NOW + timedelta(minutes=5) if step else None,
        deadline_at=NOW + timedelta(hours=1),
        undo_deadline_at=NOW + timedelta(minutes=30) if state is OperationState.UNDOING else None,
        cancel_requested=False,
    )


def take(position: Position, script: Script | None = None, *, now: datetime = NOW, returns: bool = True) -> Move:
    runner = Runner(
        workflow=a_workflow(returns=returns),
        jitter=random.Random(3),
        poll_interval=lambda waited: max(waited, timedelta(seconds=30)),
        ends_worker=(TimeIsUp,),
    )
    return runner.take(position, script or {}, lambda: now)


class TimeIsUp(Exception):
    """The worker must end."""


def events(move: Move) -> list[tuple[str, str]]:
    return [(happening.event, happening.step) for happening in move.happenings]


def test_that_the_first_take_begins_at_the_first_step() -> None:
    move = take(at(None, OperationState.QUEUED))

    assert (move.position.state, move.position.step, move.goes_on_at_once) == (OperationState.RUNNING, "pour", True)
    assert events(move) == [("started", "dig"), ("done", "dig"), ("started", "pour")]


def test_that_the_next_step_gets_its_own_deadline_and_fresh_tries() -> None:
    move = take(replace(at("dig"), attempt=2, lost_workers=1))

    assert move.position.attempt == 1
    assert move.position.lost_workers == 0
    assert move.position.step_deadline_at == NOW + timedelta(minutes=5)


def test_that_the_last_step_ends_the_operation() -> None:
    move = take(replace(at("harden"), error_code="old", error_detail="old"))

    assert move.position.state is OperationState.SUCCEEDED
    assert (move.position.error_code, move.position.error_detail) == ("", "")
    assert events(move) == [("done", "harden"), ("succeeded", "harden")]
    assert not move.goes_on_at_once


def test_that_a_wait_frees_the_worker_and_counts_no_try() -> None:
    move = take(replace(at("harden"), attempt=9), {"harden": waits("Still wet.")})

    assert (move.position.state, move.position.attempt, move.waiting_for) == (OperationState.WAITING, 0, "Still wet.")
    assert move.again_in == timedelta(seconds=30)


def test_that_a_wait_may_name_its_own_pause() -> None:
    move = take(at("harden"), {"harden": waits("Nearly.", timedelta(seconds=2))})

    assert move.again_in == timedelta(seconds=2)


def test_that_the_slow_poll_grows_with_the_time_waited() -> None:
    position = replace(at("harden"), step_started_at=NOW - timedelta(minutes=3))

    move = take(position, {"harden": waits("Still wet.")})

    assert move.again_in == timedelta(minutes=3)


def test_that_a_transient_error_is_tried_again_after_a_pause() -> None:
    move = take(at("pour"), {"pour": fail(Busy())})

    assert (move.position.state, move.position.step, move.position.attempt) == (OperationState.RUNNING, "pour", 1)
    assert timedelta() < move.again_in <= timedelta(seconds=2)
    assert events(move) == [("retried", "pour")]


def test_that_the_cluster_s_own_retry_after_is_kept() -> None:
    move = take(at("pour"), {"pour": fail(Busy(retry_after=timedelta(seconds=40)))})

    assert move.again_in == timedelta(seconds=40)


def test_that_used_up_tries_turn_back() -> None:
    move = take(replace(at("pour"), attempt=2), {"pour": fail(Busy())})

    assert (move.position.state, move.position.step) == (OperationState.UNDOING, "pour")
    assert (move.position.error_code, move.goes_on_at_once) == ("test.busy", True)
    assert move.position.undo_deadline_at == NOW + timedelta(minutes=30)


def test_that_a_permanent_error_turns_back_at_once() -> None:
    move = take(at("pour"), {"pour": fail(Refused())})

    assert (move.position.state, move.position.error_code) == (OperationState.UNDOING, "test.refused")
    assert events(move) == [("turned_back", "pour")]


def test_that_a_patient_step_outlasts_any_number_of_errors() -> None:
    move = take(replace(at("harden"), attempt=500), {"harden": fail(Busy())})

    assert move.position.state is OperationState.RUNNING


@pytest.mark.parametrize("what", [waits("Still wet."), fail(Busy())])
def test_that_a_passed_step_deadline_turns_back(what: Callable[[], Wait | None]) -> None:
    move = take(at("harden"), {"harden": what}, now=NOW + timedelta(minutes=5))

    assert (move.position.state, move.position.error_code) == (OperationState.UNDOING, "step.deadline_passed")


def test_that_a_passed_deadline_of_the_whole_turns_back() -> None:
    position = replace(at("harden"), step_deadline_at=None, deadline_at=NOW)

    move = take(position, {"harden": waits("Still wet.")})

    assert (move.position.state, move.position.error_code) == (OperationState.UNDOING, "operation.deadline_passed")


def test_that_a_step_that_is_done_after_its_deadline_is_done() -> None:
    move = take(at("harden"), now=NOW + timedelta(hours=5))

    assert move.position.state is OperationState.SUCCEEDED


def test_that_a_defect_of_ours_stops_the_operation_and_undoes_nothing() -> None:
    undone: list[str] = []

    move = take(at("pour"), {"pour": fail(ZeroDivisionError("secret=hunter2")), "fill": lambda: undone.append("fill")})

    assert (move.position.state, move.position.step, move.position.error_code) == (
        OperationState.STUCK,
        "pour",
        "internal.error",
    )
    assert "hunter2" not in move.position.error_detail
    assert undone == []


def test_that_a_cancel_turns_back_before_the_next_effect() -> None:
    done: list[str] = []

    move = take(replace(at("pour"), cancel_requested=True), {"pour": lambda: done.append("pour")})

    assert (move.position.state, move.position.error_code) == (OperationState.UNDOING, "")
    assert done == []


def test_that_a_cancel_before_the_beginning_ends_it_at_once() -> None:
    move = take(replace(at(None, OperationState.QUEUED), cancel_requested=True))

    assert move.position.state is OperationState.CANCELLED
    assert events(move) == [("cancelled", "")]


@pytest.mark.parametrize("step", ["pour", "harden"])
def test_that_a_cancel_past_the_point_of_no_return_changes_nothing(step: str) -> None:
    move = take(replace(at(step), cancel_requested=True), returns=False)

    assert ("done", step) in events(move)


def test_that_a_failure_past_the_point_of_no_return_waits_for_a_person() -> None:
    move = take(at("harden"), {"harden": fail(Refused())}, returns=False)

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "test.refused")


def test_that_undoing_walks_back_step_by_step() -> None:
    undone: list[str] = []
    script: Script = {"fill": lambda: undone.append("fill")}
    position = replace(at("harden", OperationState.UNDOING), error_code="test.refused", error_detail="It was refused.")

    moves = [take(position, script)]
    while moves[-1].goes_on_at_once:
        moves.append(take(moves[-1].position, script))

    assert [move.position.step for move in moves] == ["pour", "dig", "dig"]
    assert undone == ["fill"]
    assert moves[-1].position.state is OperationState.FAILED
    assert events(moves[-1]) == [("undone", "dig"), ("failed", "dig")]


def test_that_an_undone_cancel_ends_as_cancelled() -> None:
    move = take(replace(at("dig", OperationState.UNDOING), cancel_requested=True))

    assert move.position.state is OperationState.CANCELLED


def test_that_an_undo_may_wait() -> None:
    move = take(at("dig", OperationState.UNDOING), {"fill": waits("Still filling.")})

    assert (move.position.state, move.position.step, move.waiting_for) == (
        OperationState.UNDOING,
        "dig",
        "Still filling.",
    )
    assert not move.goes_on_at_once


def test_that_a_transient_error_in_an_undo_is_tried_again() -> None:
    move = take(at("dig", OperationState.UNDOING), {"fill": fail(Busy())})

    assert move.position.state is OperationState.UNDOING
    assert not move.goes_on_at_once


@pytest.mark.parametrize("error", [Refused(), ValueError("ours")])
def test_that_an_undo_that_cannot_work_waits_for_a_person(error: Exception) -> None:
    move = take(at("dig", OperationState.UNDOING), {"fill": fail(error)})

    assert move.position.state is OperationState.STUCK


def test_that_an_undo_whose_tries_are_used_up_waits_for_a_person() -> None:
    move = take(replace(at("dig", OperationState.UNDOING), attempt=10), {"fill": fail(Busy())})

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "test.busy")


@pytest.mark.parametrize("what", [waits("Still filling."), fail(Busy())])
def test_that_an_undo_past_its_deadline_waits_for_a_person(what: Callable[[], Wait | None]) -> None:
    move = take(at("dig", OperationState.UNDOING), {"fill": what}, now=NOW + timedelta(hours=1))

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "operation.undo_deadline_passed")


def test_that_a_step_of_another_release_waits_for_a_person() -> None:
    move = take(at("paint_it_black"))

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "operation.unknown_step")


def test_that_a_step_that_kills_its_workers_waits_for_a_person() -> None:
    done: list[str] = []

    move = take(replace(at("pour"), lost_workers=LOST_WORKERS_LIMIT), {"pour": lambda: done.append("pour")})

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "operation.workers_lost")
    assert done == []


def test_that_a_first_step_that_kills_its_workers_waits_for_a_person_too() -> None:
    done: list[str] = []
    position = replace(at(None, OperationState.RUNNING), lost_workers=LOST_WORKERS_LIMIT)

    move = take(position, {"dig": lambda: done.append("dig")})

    assert (move.position.state, move.position.error_code) == (OperationState.STUCK, "operation.workers_lost")
    assert done == []


@pytest.mark.parametrize(("state", "step"), [(OperationState.RUNNING, "pour"), (OperationState.UNDOING, "dig")])
def test_that_what_ends_the_worker_is_no_fault_of_the_step(state: OperationState, step: str) -> None:
    with pytest.raises(TimeIsUp):
        take(at(step, state), {"pour": fail(TimeIsUp()), "fill": fail(TimeIsUp())})


def test_that_what_a_cluster_says_is_stored_without_passwords() -> None:
    move = take(at("pour"), {"pour": fail(Refused("cannot reach postgresql://bob:hunter2@db/x"))})

    assert "hunter2" not in move.position.error_detail
    assert all("hunter2" not in happening.message for happening in move.happenings)
