"""How any operation is accepted: its row, its idempotency key, and its place as the one active operation of its database.

All by unique constraints and conditional updates inside the caller's transaction. Where two rows must agree, the operation's row is
written before the database's, here and in `advance`, so that two such transactions meet at the first row and the second one sees what
the first one did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Coalesce

from accounts import audit
from accounts.actor import Actor
from dbaas.core.db import after_commit
from dbaas.core.ids import uuid7
from provisioning.dispatch import wake
from provisioning.lease import Line, make_due, write_timeline
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.services.refusals import KeyReused, OperationInProgress, StateForbids
from provisioning.states import MOVING, DatabaseState, OperationState
from provisioning.workflow.declare import Workflow


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """The caller's key, and a digest of what it was sent with."""

    key: str | None = None
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """An operation that was accepted: now, or (replayed) when the same request came before."""

    operation: Operation
    is_replay: bool = False


def replay(tenant_id: UUID, idempotency: Idempotency) -> Accepted | None:
    """Return the operation that this very request started before, if it did.

    Raises: KeyReused — the key came with another request.
    """
    if idempotency.key is None:
        return None
    earlier = Operation.objects.filter(tenant_id=tenant_id, idempotency_key=idempotency.key)
    found = earlier.select_related("database").first()
    if found is None:
        return None
    if found.fingerprint != idempotency.fingerprint:
        raise KeyReused
    return Accepted(operation=found, is_replay=True)


def operation_row(
    workflow: Workflow,
    database: Database,
    actor: Actor,
    idempotency: Idempotency,
    now: datetime,
    *,
    params: Mapping[str, Any] | None = None,
) -> Operation:
    """Return the row of a new operation, not yet saved."""
    return Operation(
        id=uuid7(),
        tenant_id=database.tenant_id,
        database=database,
        kind=workflow.kind,
        params=dict(params or {}),
        idempotency_key=idempotency.key,
        fingerprint=idempotency.fingerprint,
        next_run_at=now,
        deadline_at=now + workflow.within,
        request_id=actor.request_id,
        created_by=actor.user_id,
        created_at=now,
    )


def insert(operation: Operation, actor: Actor, *, then_wake: UUID | None = None) -> None:
    """Save the new operation with the first line of its timeline, put it on record, and poke the queue after the commit.

    Its database's row must be as it is after the operation took it: its version tells this operation's writes from earlier ones.
    """
    operation.epoch = operation.database.row_version
    operation.save(force_insert=True)
    line = Line(event="accepted", step="", message=f"{all_workflows()[operation.kind].title} was accepted.")
    write_timeline(operation.id, [line], at=operation.created_at)
    audit.record(
        actor,
        action=f"database.{operation.kind}.requested",
        object_type="database",
        object_id=operation.database_id,
        tenant_id=operation.tenant_id,
        detail={"operation": str(operation.id), "name": operation.database.name},
    )
    poke_after_commit(then_wake or operation.id)


def poke_after_commit(operation_id: UUID) -> None:
    """Nudge a worker once the transaction is through."""
    after_commit(lambda: _poke(operation_id))


def take_database(database: Database, operation: Operation, workflow: Workflow, now: datetime) -> None:
    """Make the operation the one active operation of its database.

    Raises: OperationInProgress — another one is. StateForbids — the database is not in a state to begin from.
    """
    taken = Database.objects.filter(
        pk=database.pk, active_operation_id=None, state__in=[str(state) for state in workflow.starts_from]
    ).update(
        active_operation_id=operation.id,
        active_operation_kind=operation.kind,
        previous_state=F("state"),
        state=DatabaseState.CHANGING,
        updated_at=now,
        row_version=F("row_version") + 1,
    )
    if not taken:
        raise _refusal(Database.objects.get(pk=database.pk), workflow)


def take_over(database: Database, operation: Operation, workflow: Workflow, now: datetime) -> UUID:
    """Let a delete have the database: at once, in place of an operation that is stuck, or after the running one, which is asked to cancel.

    Returns the operation to wake. Raises what `take_database` raises.
    """
    active = database.active_operation_id
    if active is None:
        take_database(database, operation, workflow, now)
        return operation.id
    if ask_to_cancel(active, now, why="The database is to be deleted."):
        operation.holds_database = False
        operation.next_run_at = None
        _point(database, now, next_operation_id=operation.id)
        return active
    if supersede(active, now):
        _point(database, now, active_operation_id=operation.id, active_operation_kind=operation.kind)
        return operation.id
    raise OperationInProgress(
        "The running operation ended this moment: send the request again.", retry_after=timedelta(seconds=1)
    )


def ask_to_cancel(operation_id: UUID, now: datetime, *, why: str) -> bool:
    """Ask a moving operation to turn back at its next step; False where it does not move (any more)."""
    moving = Operation.objects.filter(pk=operation_id, state__in=[str(state) for state in MOVING])
    if not moving.update(cancel_requested_at=Coalesce("cancel_requested_at", now)):
        return False
    write_timeline(operation_id, [Line(event="cancel_requested", step="", message=why)], at=now)
    make_due([operation_id], now=now)
    return True


def supersede(operation_id: UUID, now: datetime) -> bool:
    """End a stuck operation in favour of a delete; False where it is not stuck."""
    stuck = Operation.objects.filter(pk=operation_id, state=OperationState.STUCK)
    if not stuck.update(state=OperationState.FAILED, holds_database=False, finished_at=now, next_run_at=None):
        return False
    line = Line(event="failed", step="", message="The database is being deleted instead.")
    write_timeline(operation_id, [line], at=now)
    return True


def _point(database: Database, now: datetime, **columns: Any) -> None:
    pointed = Database.objects.filter(
        pk=database.pk, active_operation_id=database.active_operation_id, next_operation_id=None
    ).update(**columns, updated_at=now, row_version=F("row_version") + 1)
    if not pointed:
        extra = {"operation": str(database.active_operation_id)}
        raise OperationInProgress(extra=extra, retry_after=timedelta(seconds=1))


def _refusal(database: Database, workflow: Workflow) -> OperationInProgress | StateForbids:
    if database.active_operation_id:
        extra = {"operation": str(database.active_operation_id)}
        return OperationInProgress(extra=extra, retry_after=timedelta(seconds=2))
    allowed = ", ".join(sorted(workflow.starts_from))
    return StateForbids(f"{workflow.title} needs a database that is {allowed}; this one is {database.state}.")


def _poke(operation_id: UUID) -> None:
    wake(operation_id)
