"""That an outside world which does not answer makes an operation wait, uses up no tries, and only its own deadline ends the waiting."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dbaas.core.errors import Transient
from provisioning.states import OperationState
from tests.provisioning.workflow.test_runner import NOW, at, events, fail, take


class Silent(Transient):
    """Nobody answers."""

    code = "test.silent"
    counts_as_try = False


UNDOING = OperationState.UNDOING


@pytest.mark.parametrize("minutes", [1, 59])
def test_that_it_waits_with_the_reason_however_often_it_was_tried(minutes: int) -> None:
    tired = replace(at("dig"), attempt=99, lost_workers=2)

    move = take(tired, {"dig": fail(Silent())}, now=NOW + timedelta(minutes=minutes))

    position = move.position
    assert (position.state, position.step, position.attempt, position.lost_workers) == ("waiting", "dig", 0, 0)
    assert (events(move), move.waiting_for) == ([("waiting", "dig")], "Nobody answers.")
    assert timedelta() < move.again_in <= timedelta(seconds=4)


def test_that_it_comes_back_when_it_was_told_to() -> None:
    move = take(at("dig"), {"dig": fail(Silent(retry_after=timedelta(seconds=40)))})

    assert move.again_in == timedelta(seconds=40)


def test_that_the_operation_s_deadline_ends_it() -> None:
    move = take(at("dig"), {"dig": fail(Silent())}, now=NOW + timedelta(hours=1))

    assert (move.position.state, move.position.error_code) == (UNDOING, "operation.deadline_passed")


def test_that_a_way_back_is_waited_for_too_until_its_own_deadline() -> None:
    back = at("dig", UNDOING)

    waits = take(back, {"fill": fail(Silent())}, now=NOW + timedelta(minutes=29))
    ends = take(back, {"fill": fail(Silent())}, now=NOW + timedelta(minutes=30))

    assert (waits.position.state, waits.waiting_for) == (UNDOING, "Nobody answers.")
    assert (ends.position.state, ends.position.error_code) == ("stuck", "operation.undo_deadline_passed")
