"""What the end of an operation does to its database, in the transaction of that end: new state, freed quota, and the delete that waited."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from dbaas.core.db import after_commit
from provisioning.announcements import announce_state
from provisioning.counters import count_end
from provisioning.engines import all_engines
from provisioning.lease import Line, write_timeline
from provisioning.models import Database, Operation
from provisioning.sizes import Resources
from provisioning.states import DatabaseState, OperationState
from provisioning.workflow.declare import Workflow
from tenants.quota import Amounts, release


def settle(operation: Operation, workflow: Workflow, outcome: OperationState, now: datetime) -> UUID | None:
    """Give the database its state after this operation; returns the operation that holds it next, if one waited."""
    database = Database.objects.get(pk=operation.database_id)
    state = _state_after(database, workflow, outcome)
    follower = database.next_operation_id
    columns: dict[str, Any] = {
        "state": DatabaseState.CHANGING if follower else state,
        "previous_state": state,
        "active_operation_id": follower,
        "active_operation_kind": _kind_of(follower),
        "next_operation_id": None,
        "updated_at": now,
        "row_version": F("row_version") + 1,
    }
    if state is DatabaseState.DELETED and database.is_live:
        columns |= {"is_live": False, "deleted_at": now}
    if state in workflow.frees_quota_on:
        columns |= _free_quota(database)
    elif database.reserved_databases:
        columns |= _free_surplus(database)
    has_changed = Database.objects.filter(pk=database.pk, active_operation_id=operation.id).update(**columns)
    if follower:
        _hand_over(follower, now)
    elif has_changed:
        announce_state(database, DatabaseState(database.previous_state), state, at=now)
    _count(operation, database.engine, outcome, now)
    return follower


def give_way(operation: Operation, now: datetime) -> UUID | None:
    """End an operation that has just become stuck if a delete waits behind it, which would otherwise wait in silence; returns the delete."""
    follower = Database.objects.values_list("next_operation_id", flat=True).get(pk=operation.database_id)
    if follower is None:
        return None
    Operation.objects.filter(pk=operation.pk, state=OperationState.STUCK).update(
        state=OperationState.FAILED, holds_database=False, finished_at=now
    )
    line = Line(event="failed", step=operation.step, message="The database is being deleted instead.")
    write_timeline(operation.pk, [line], at=now)
    Database.objects.filter(pk=operation.database_id, active_operation_id=operation.pk).update(
        active_operation_id=follower,
        active_operation_kind=_kind_of(follower),
        next_operation_id=None,
        updated_at=now,
        row_version=F("row_version") + 1,
    )
    _hand_over(follower, now)
    _count(operation, operation.database.engine, OperationState.FAILED, now)
    return follower


def reserved(database: Database) -> Amounts:
    """Return what the database holds of its tenant's quota."""
    return Amounts(
        databases=database.reserved_databases,
        cpu_millicores=database.reserved_cpu_millicores,
        memory_mib=database.reserved_memory_mib,
        storage_gib=database.reserved_storage_gib,
    )


def amounts_of(footprint: Resources) -> Amounts:
    """Return what one database whose nodes take this holds of a quota."""
    return Amounts(
        databases=1,
        cpu_millicores=footprint.cpu_millicores,
        memory_mib=footprint.memory_mib,
        storage_gib=footprint.storage_gib,
    )


def needed_by(database: Database) -> Amounts:
    """Return what a database of this size and topology takes."""
    size = Resources(
        cpu_millicores=database.cpu_millicores, memory_mib=database.memory_mib, storage_gib=database.storage_gib
    )
    return amounts_of(all_engines()[database.engine].footprint(database.topology, size))


def _state_after(database: Database, workflow: Workflow, outcome: OperationState) -> DatabaseState:
    if outcome is OperationState.SUCCEEDED:
        return workflow.on_success or DatabaseState(database.previous_state)
    return workflow.on_undone or DatabaseState(database.previous_state)


def _free_quota(database: Database) -> dict[str, int]:
    release(database.tenant_id, reserved(database))
    return {
        "reserved_databases": 0,
        "reserved_cpu_millicores": 0,
        "reserved_memory_mib": 0,
        "reserved_storage_gib": 0,
    }


def _free_surplus(database: Database) -> dict[str, int]:
    """Give back what the operation reserved and the database did not take, or no longer needs."""
    held = reserved(database)
    surplus = (held - needed_by(database)).above_zero()
    release(database.tenant_id, surplus)
    keeps = held - surplus
    return {
        "reserved_cpu_millicores": keeps.cpu_millicores,
        "reserved_memory_mib": keeps.memory_mib,
        "reserved_storage_gib": keeps.storage_gib,
    }


def _count(operation: Operation, engine: str, outcome: OperationState, now: datetime) -> None:
    took = now - operation.created_at
    after_commit(lambda: count_end(kind=operation.kind, engine=engine, outcome=outcome, took=took))


def _kind_of(operation_id: UUID | None) -> str:
    if operation_id is None:
        return ""
    return Operation.objects.values_list("kind", flat=True).get(pk=operation_id)


def _hand_over(follower: UUID, now: datetime) -> None:
    Operation.objects.filter(pk=follower).update(holds_database=True, next_run_at=now)
    line = Line(event="released", step="", message="The operation before this one has ended.")
    write_timeline(follower, [line], at=now)
