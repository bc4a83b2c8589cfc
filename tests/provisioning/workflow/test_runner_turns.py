"""Rules of the runner for work that ends badly or cannot be taken back, and for progress within a step."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from provisioning.states import DatabaseState, OperationState
from provisioning.workflow.declare import PATIENT, Decision, Fail, TooLate, Wait, Workflow
from provisioning.workflow.position import Move, Position
from provisioning.workflow.runner import Runner
from tests.provisioning.workflow.test_runner import NOW, at, events

Answer = Wait | Fail | None
UndoAnswer = Wait | TooLate | None
Script = dict[str, Callable[[], Any]]


def a_workflow(returns_until: bool | Decision) -> Workflow:
    workflow = Workflow(
        "move",
        title="Moving",
        status="moving",
        starts_from=frozenset({DatabaseState.READY}),
        on_success=DatabaseState.READY,
        on_undone=None,
        within=timedelta(hours=1),
    )

    @workflow.step(retry=PATIENT)
    def order(script: Script) -> Answer:
        """Order the van."""
        answer: Answer = script.get("order", lambda: None)()
        return answer

    @workflow.undo(order)
    def call_off(script: Script) -> UndoAnswer:
        """Call the van off."""
        answer: UndoAnswer = script.get("call_off", lambda: None)()
        return answer

    @workflow.step(retry=PATIENT, point_of_no_return=returns_until)
    def load(script: Script) -> Answer:
        """Load the van."""
        answer: Answer = script.get("load", lambda: None)()
        return answer

    return workflow


def take(
    position: Position,
    script: Script,
    *,
    no_return: bool | Decision = True,
    params: Mapping[str, Any] | None = None,
) -> Move:
    runner = Runner(
        workflow=a_workflow(no_return),
        jitter=random.Random(3),
        poll_interval=lambda _waited: timedelta(seconds=30),
        params=params or {},
    )
    return runner.take(position, script, lambda: NOW)


def crashed() -> Fail:
    return Fail(code="test.crashed", detail="The van crashed: postgresql://bob:hunter2@db/x.")


@pytest.mark.parametrize(("step", "no_return"), [("order", True), ("load", True), ("load", False)])
def test_that_a_step_that_failed_ends_the_operation_and_undoes_nothing(step: str, no_return: bool) -> None:
    undone: list[str] = []

    move = take(at(step), {step: crashed, "call_off": lambda: undone.append("call_off")}, no_return=no_return)

    assert (move.position.state, move.position.error_code) == (OperationState.FAILED, "test.crashed")
    assert events(move) == [("failed", step)]
    assert not move.goes_on_at_once
    assert undone == []


def test_that_what_failed_is_told_without_passwords() -> None:
    move = take(at("load"), {"load": crashed})

    assert "crashed" in move.position.error_detail
    assert "hunter2" not in move.position.error_detail + move.happenings[0].message


def too_late() -> TooLate:
    return TooLate(reason="The van has left.")


@pytest.mark.parametrize("code", ["", "step.deadline_passed"])
def test_that_an_undo_that_comes_too_late_goes_on_with_the_next_step(code: str) -> None:
    undoing = replace(at("order", OperationState.UNDOING), error_code=code, error_detail=code, cancel_requested=True)

    move = take(undoing, {"call_off": too_late})

    now = move.position
    assert (now.state, now.step, now.attempt) == (OperationState.RUNNING, "load", 1)
    assert (now.error_code, now.error_detail, now.undo_deadline_at) == ("", "", None)
    assert now.step_deadline_at == NOW + timedelta(minutes=10)
    assert events(move) == [("too_late", "order"), ("started", "load")]
    assert move.goes_on_at_once


def test_that_a_cancel_that_came_too_late_does_not_turn_back_again() -> None:
    after = take(replace(at("order", OperationState.UNDOING), cancel_requested=True), {"call_off": too_late})

    move = take(after.position, {})

    assert move.position.state is OperationState.SUCCEEDED


def test_that_an_undo_may_be_too_late_only_before_a_point_of_no_return() -> None:
    move = take(at("order", OperationState.UNDOING), {"call_off": too_late}, no_return=False)

    assert (move.position.state, move.position.step, move.position.error_code) == (
        OperationState.STUCK,
        "order",
        "internal.error",
    )


@pytest.mark.parametrize(
    ("params", "state"), [({"final": True}, OperationState.SUCCEEDED), ({"final": False}, OperationState.UNDOING)]
)
def test_that_whether_a_cancel_comes_in_time_may_depend_on_what_was_asked_for(
    params: Mapping[str, Any], state: OperationState
) -> None:
    move = take(
        replace(at("load"), cancel_requested=True), {}, no_return=lambda wanted: bool(wanted["final"]), params=params
    )

    assert move.position.state is state


@pytest.mark.parametrize(("said", "kept"), [(0.4, 0.4), (-1.0, 0.0), (7.0, 1.0)])
def test_that_a_wait_tells_how_much_of_the_step_is_done(said: float, kept: float) -> None:
    move = take(at("load"), {"load": lambda: Wait(reason="Two of five boxes.", done=said)})

    assert move.done == kept
