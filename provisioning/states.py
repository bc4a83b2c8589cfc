"""The states of a database and of an operation, and which change of state is allowed. Pure: no Django, no clock."""

from enum import StrEnum


class DatabaseState(StrEnum):
    """Where a customer's database stands between operations; `changing` while one runs. What runs is the operation's business."""

    REQUESTED = "requested"
    READY = "ready"
    CHANGING = "changing"
    PAUSED = "paused"
    FAILED = "failed"
    DELETED = "deleted"


class OperationState(StrEnum):
    """Where an operation stands; `stuck` means that it waits for a person."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    UNDOING = "undoing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STUCK = "stuck"


MOVING = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.WAITING, OperationState.UNDOING})
"""States in which a worker may take the operation on."""

FINISHED = frozenset({OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELLED})
"""States that never change again."""

_NEXT: dict[OperationState, frozenset[OperationState]] = {
    OperationState.QUEUED: MOVING - {OperationState.QUEUED} | FINISHED | {OperationState.STUCK},
    OperationState.RUNNING: MOVING - {OperationState.QUEUED} | FINISHED | {OperationState.STUCK},
    OperationState.WAITING: MOVING - {OperationState.QUEUED} | FINISHED | {OperationState.STUCK},
    OperationState.UNDOING: frozenset(
        {
            OperationState.RUNNING,
            OperationState.UNDOING,
            OperationState.FAILED,
            OperationState.CANCELLED,
            OperationState.STUCK,
        }
    ),
    OperationState.STUCK: frozenset({OperationState.QUEUED, OperationState.UNDOING}) | FINISHED,
}


def may_become(now: OperationState, then: OperationState) -> bool:
    """Tell whether an operation in state `now` may be saved with state `then`."""
    return then in _NEXT.get(now, frozenset())
