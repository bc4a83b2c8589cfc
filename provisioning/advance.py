"""One tick of an operation: claim it, carry out what is due, save; and so on while the lease lasts.

Every save is one transaction, fenced by the lease token, that writes the operation, its timeline, the database, the quota and what comes
next together: whatever is killed, either all of it happened or none.
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError
from django.db.models import F

from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.crash import crash_point
from dbaas.core.db import after_commit, atomic
from provisioning import lease
from provisioning.cluster.registry import gateway_to
from provisioning.counters import BECAME_STUCK, LEASES_LOST, STEP_DURATION
from provisioning.dispatch import wake
from provisioning.engines import all_engines
from provisioning.heartbeats import is_watched
from provisioning.lease import Claim, LeaseLost, Line
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.run import Run
from provisioning.settlement import give_way, settle
from provisioning.states import FINISHED, OperationState, may_become
from provisioning.workflow.declare import Workflow
from provisioning.workflow.position import Happening, Move, Position
from provisioning.workflow.runner import Runner

logger = logging.getLogger(__name__)

_POLL_WATCHED = (timedelta(seconds=30), timedelta(minutes=5))
_POLL_UNWATCHED = (timedelta(seconds=5), timedelta(seconds=30))
"""Shortest and longest pause between two looks: with a watcher alive the look only catches what it lost."""


_DATABASE_GONE: tuple[type[Exception], ...] = (OperationalError, InterfaceError)


def advance(
    operation_id: UUID,
    *,
    clock: Clock = SYSTEM_CLOCK,
    jitter: random.Random | None = None,
    ends_worker: tuple[type[Exception], ...] = (),
) -> bool:
    """Drive the operation as far as it goes now; False where it was not due or somebody else has it.

    What a step raises of `ends_worker`, or because the metadata database does not answer, passes through: the lease runs out, and the next
    worker takes the step again.
    """
    claim = lease.claim(operation_id, now=clock.now())
    if claim is None:
        return False
    crash_point("advance.after_claim")
    going_on: Claim | None = claim
    chance = jitter or random.Random()  # noqa: S311 -- spreads retries, guards nothing
    try:
        while going_on is not None:
            going_on = _take_one_step(going_on, clock, chance, ends_worker)
    except LeaseLost:
        LEASES_LOST.inc()
        logger.warning("operation %s: the lease was lost, so nothing of this try was saved", operation_id)
    return True


def _take_one_step(
    claim: Claim, clock: Clock, jitter: random.Random, ends_worker: tuple[type[Exception], ...]
) -> Claim | None:
    operation = claim.operation
    workflow = all_workflows()[operation.kind]
    runner = Runner(
        workflow=workflow,
        jitter=jitter,
        params=operation.params,
        poll_interval=lambda waited: _poll_interval(operation, waited, clock.now()),
        ends_worker=(*_DATABASE_GONE, LeaseLost, *ends_worker),
    )
    run = Run(
        claim=claim,
        engine=all_engines()[operation.database.engine],
        gateway=gateway_to(operation.database.cluster),
        clock=clock,
    )
    move = runner.take(_position_of(operation), run, clock.now)
    before = OperationState(operation.state)
    if move.position.state is not before and not may_become(before, move.position.state):
        raise AssertionError(f"{operation} may not go from {before} to {move.position.state}.")
    now = clock.now()
    goes_on = _save(claim, workflow, move, run.recorded, now)
    _time_steps(operation, move, now)
    if move.position.state is OperationState.STUCK:
        BECAME_STUCK.labels(kind=operation.kind).inc()
    crash_point("advance.after_save")
    return lease.renewed(claim) if goes_on else None


def _save(claim: Claim, workflow: Workflow, move: Move, recorded: dict[str, Any], now: datetime) -> bool:
    """Write the move; True where this worker goes on with the next step under the same claim.

    What a step noted before it got stuck is not to be trusted, and is left out.
    """
    operation = claim.operation
    lines = _lines(operation, move, now)
    columns = {**_columns(move, workflow, operation.progress), **lease.counting(lines)}
    ends = move.position.state in FINISHED
    keeps = move.goes_on_at_once and claim.age() < lease.WORK_FOR
    if move.goes_on_at_once and not keeps:
        columns["attempt"] = 0
    due_again = False
    with atomic():
        if ends:
            lease.end(claim, columns={**columns, "holds_database": False, "finished_at": now})
        elif move.position.state is OperationState.STUCK:
            lease.end(claim, columns=columns)
        elif keeps:
            lease.keep(claim, columns=columns)
        else:
            asleep = lease.nap(claim, until=now + move.again_in, now=now, columns=columns)
            due_again = not asleep or not move.again_in
        lease.add_counted(operation.id, lines, at=now, lease_token=claim.token)
        if move.position.state is not OperationState.STUCK:
            _record(operation.database, recorded, now)
        follower = settle(operation, workflow, move.position.state, now) if ends else None
        if move.position.state is OperationState.STUCK:
            follower = give_way(operation, now)
        crash_point("advance.before_commit")
        if follower or due_again:
            after_commit(lambda: _poke(follower or operation.id))
    return keeps


def _time_steps(operation: Operation, move: Move, now: datetime) -> None:
    for happening in move.happenings:
        duration_ms = _duration_ms(operation, happening, now) if happening.event == "done" else None
        if duration_ms is not None:
            STEP_DURATION.labels(kind=operation.kind, step=happening.step).observe(duration_ms / 1000)


def _poke(operation_id: UUID) -> None:
    wake(operation_id)


def _record(database: Database, recorded: dict[str, Any], now: datetime) -> None:
    changed = {name: value for name, value in recorded.items() if getattr(database, name) != value}
    if changed:
        Database.objects.filter(pk=database.pk).update(**changed, updated_at=now, row_version=F("row_version") + 1)


def _position_of(operation: Operation) -> Position:
    return Position(
        state=OperationState(operation.state),
        step=operation.step or None,
        attempt=operation.attempt,
        lost_workers=operation.lost_workers,
        step_started_at=operation.step_started_at,
        step_deadline_at=operation.step_deadline_at,
        deadline_at=operation.deadline_at,
        undo_deadline_at=operation.undo_deadline_at,
        cancel_requested=operation.cancel_requested_at is not None,
        error_code=operation.error_code,
        error_detail=operation.error_detail,
    )


def _columns(move: Move, workflow: Workflow, progress: int) -> dict[str, Any]:
    position = move.position
    columns = {
        "state": position.state,
        "step": position.step or "",
        "attempt": position.attempt,
        "lost_workers": position.lost_workers,
        "waiting_for": move.waiting_for,
        "step_started_at": position.step_started_at,
        "step_deadline_at": position.step_deadline_at,
        "undo_deadline_at": position.undo_deadline_at,
        "error_code": position.error_code,
        "error_detail": position.error_detail,
    }
    if position.state is OperationState.SUCCEEDED:
        return {**columns, "progress": 100}
    if (
        position.step
        and position.state in (OperationState.RUNNING, OperationState.WAITING)
        and workflow.find(position.step)
    ):
        reached = (workflow.index(position.step) + move.done) / len(workflow.steps)
        columns["progress"] = max(progress, int(100 * reached))
    return columns


def _lines(operation: Operation, move: Move, now: datetime) -> list[Line]:
    told = [happening for happening in move.happenings if not _is_repetition(operation, happening)]
    return [
        Line(
            event=happening.event,
            step=happening.step,
            message=happening.message,
            attempt=operation.attempt,
            duration_ms=_duration_ms(operation, happening, now),
        )
        for happening in told
    ]


def _is_repetition(operation: Operation, happening: Happening) -> bool:
    """Tell whether the timeline's last word on this step was the same: a wait that goes on is one line, not one per look."""
    return (
        happening.event == "waiting" and happening.step == operation.step and happening.message == operation.waiting_for
    )


def _duration_ms(operation: Operation, happening: Happening, now: datetime) -> int | None:
    if happening.event not in ("done", "undone"):
        return None
    began = operation.step_started_at if operation.step == happening.step else operation.started_at
    return max(0, int((now - (began or now)).total_seconds() * 1000))


def _poll_interval(operation: Operation, waited: timedelta, now: datetime) -> timedelta:
    shortest, longest = _POLL_WATCHED if is_watched(operation.database.cluster, now=now) else _POLL_UNWATCHED
    return min(max(waited / 2, shortest), longest)
