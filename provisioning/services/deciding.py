"""What an operator decides about an operation that is stuck, besides letting it try again: leave a step out, or give the operation up.

Both are conditional on the operation's being stuck, at the very step that the operator looked at. What was left out or left behind is
the operator's word: the comparison of ledger and cluster (provisioning.reaper) calls out what does not fit it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning.lease import Line, write_timeline
from provisioning.models import Operation
from provisioning.operations import all_workflows
from provisioning.services.acceptance import poke_after_commit
from provisioning.services.refusals import NotSkippable, NotStuck
from provisioning.settlement import settle
from provisioning.states import OperationState
from provisioning.workflow.declare import Step, Workflow

_FRESH: dict[str, Any] = {"attempt": 0, "lost_workers": 0, "waiting_for": ""}


def skip(operation: Operation, *, why: str) -> None:
    """Take the step at which the operation is stuck for done (on the way back: for undone), and let it go on with the next.

    Raises: NotStuck. NotSkippable — this release does not know the step.
    """
    workflow = all_workflows()[operation.kind]
    step = workflow.find(operation.step)
    if step is None:
        raise NotSkippable if operation.state == OperationState.STUCK else NotStuck
    place = workflow.index(step.name) + (-1 if _goes_back(operation) else 1)
    line = Line(event="skipped", step=step.name, message=why)
    if 0 <= place < len(workflow.steps):
        _go_on_at(operation, workflow, workflow.steps[place], line)
    elif _goes_back(operation):
        _end(operation, workflow, _outcome_of_way_back(operation), line)
    else:
        _end(operation, workflow, OperationState.SUCCEEDED, line)


def abandon(operation: Operation, *, why: str) -> None:
    """Give the operation up: undo what it did, where that is still possible and has not just failed; else end it as failed as it stands.

    Raises: NotStuck.
    """
    workflow = all_workflows()[operation.kind]
    step = workflow.find(operation.step)
    line = Line(event="abandoned", step=operation.step, message=why)
    is_too_late = workflow.is_past_return(operation.step or None, operation.params)
    if step is None or _goes_back(operation) or is_too_late:
        _end(operation, workflow, OperationState.FAILED, line)
        return
    now = SYSTEM_CLOCK.now()
    columns = {
        **_FRESH,
        "state": OperationState.UNDOING,
        "next_run_at": now,
        "step_started_at": now,
        "step_deadline_at": None,
        "undo_deadline_at": now + workflow.undo_within,
    }
    _decide(operation, columns, line, now)


def _goes_back(operation: Operation) -> bool:
    return operation.undo_deadline_at is not None


def _outcome_of_way_back(operation: Operation) -> OperationState:
    return OperationState.FAILED if operation.error_code else OperationState.CANCELLED


def _go_on_at(operation: Operation, workflow: Workflow, step: Step, line: Line) -> None:
    now = SYSTEM_CLOCK.now()
    columns = {**_FRESH, "step": step.name, "next_run_at": now, "step_started_at": now}
    if _goes_back(operation):
        columns |= {"state": OperationState.UNDOING, "undo_deadline_at": now + workflow.undo_within}
    else:
        columns |= {"state": OperationState.QUEUED, "error_code": "", "error_detail": ""}
        columns |= {"deadline_at": now + workflow.within, "step_deadline_at": now + step.within}
    _decide(operation, columns, line, now)


def _end(operation: Operation, workflow: Workflow, outcome: OperationState, line: Line) -> None:
    now = SYSTEM_CLOCK.now()
    columns = {**_FRESH, "state": outcome, "holds_database": False, "finished_at": now, "next_run_at": None}
    if outcome is OperationState.SUCCEEDED:
        columns |= {"progress": 100, "error_code": "", "error_detail": ""}
    ended = Line(event=str(outcome), step=operation.step, message=f"{workflow.title} ended as {outcome}.")
    with atomic():
        _decide(operation, columns, line, now, ended)
        follower: UUID | None = settle(operation, workflow, outcome, now)
        if follower:
            poke_after_commit(follower)


def _decide(operation: Operation, columns: dict[str, Any], line: Line, now: datetime, *more: Line) -> None:
    with atomic():
        at_that_step = Operation.objects.filter(pk=operation.pk, state=OperationState.STUCK, step=operation.step)
        if not at_that_step.update(**columns):
            raise NotStuck
        write_timeline(operation.pk, [line, *more], at=now)
        if columns["next_run_at"] is not None:
            poke_after_commit(operation.pk)
