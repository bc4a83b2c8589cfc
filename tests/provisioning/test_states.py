"""Which change of an operation's state is allowed: every pair."""

import pytest

from provisioning.states import FINISHED, MOVING, OperationState, may_become

S = OperationState
FROM_FORWARD = {S.RUNNING, S.WAITING, S.UNDOING, S.SUCCEEDED, S.FAILED, S.CANCELLED, S.STUCK}
ALLOWED = {
    S.QUEUED: FROM_FORWARD,
    S.RUNNING: FROM_FORWARD,
    S.WAITING: FROM_FORWARD,
    S.UNDOING: {S.RUNNING, S.UNDOING, S.FAILED, S.CANCELLED, S.STUCK},
    S.STUCK: {S.QUEUED, S.UNDOING, S.SUCCEEDED, S.FAILED, S.CANCELLED},
    S.SUCCEEDED: set(),
    S.FAILED: set(),
    S.CANCELLED: set(),
}


@pytest.mark.parametrize("now", list(S))
@pytest.mark.parametrize("then", list(S))
def test_that_a_state_changes_only_as_the_table_says(now: OperationState, then: OperationState) -> None:
    assert may_become(now, then) is (then in ALLOWED[now])


def test_that_every_state_moves_rests_or_waits_for_a_person() -> None:
    assert MOVING | FINISHED | {S.STUCK} == set(S)
    assert not MOVING & FINISHED
