"""Steer an operation that was accepted: cancel it, or let a stuck one go on."""

from datetime import timedelta
from uuid import UUID

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning.lease import Line, write_timeline
from provisioning.models import Operation
from provisioning.operations import all_workflows
from provisioning.selectors import operation_of
from provisioning.services.acceptance import ask_to_cancel, poke_after_commit
from provisioning.services.refusals import AlreadyFinished, NotStuck, StuckCannotCancel, TooLateToCancel
from provisioning.states import FINISHED, OperationState
from tenants.access import require


def cancel(actor: Actor, operation_id: UUID) -> Operation:
    """Ask the operation to turn back at its next step; asking twice is the same as once.

    Raises: AlreadyFinished, TooLateToCancel, StuckCannotCancel.
    """
    operation = operation_of(actor, operation_id)
    require(actor, operation.tenant_id, Permission.OPERATIONS_WRITE)
    if operation.state in FINISHED:
        raise AlreadyFinished(f"The operation ended as {operation.state}: there is nothing to cancel.")
    if all_workflows()[operation.kind].is_past_return(operation.step or None, operation.params):
        raise TooLateToCancel
    with atomic():
        if not ask_to_cancel(operation.id, SYSTEM_CLOCK.now(), why=f"Cancel requested by {actor.email}."):
            raise StuckCannotCancel
        _record(actor, "operation.cancel_requested", operation)
        poke_after_commit(operation.id)
    return operation_of(actor, operation_id)


def retry(actor: Actor, operation_id: UUID) -> Operation:
    """Let a stuck operation go on at its step, with fresh tries and fresh deadlines.

    Raises: NotStuck.
    """
    operation = operation_of(actor, operation_id)
    require(actor, operation.tenant_id, Permission.OPERATIONS_WRITE)
    with atomic():
        resume(operation, why=f"Retry requested by {actor.email}.")
        _record(actor, "operation.retried", operation)
    return operation_of(actor, operation_id)


def resume(operation: Operation, *, why: str) -> None:
    """Make a stuck operation due again, at the step and in the direction in which it stopped.

    Raises: NotStuck.
    """
    workflow = all_workflows()[operation.kind]
    step = workflow.find(operation.step)
    now = SYSTEM_CLOCK.now()
    if operation.undo_deadline_at is not None:
        direction = {"state": OperationState.UNDOING, "undo_deadline_at": now + workflow.undo_within}
    else:
        direction = {"state": OperationState.QUEUED, "error_code": "", "error_detail": ""}
    with atomic():
        resumed = Operation.objects.filter(pk=operation.pk, state=OperationState.STUCK).update(
            attempt=0,
            lost_workers=0,
            next_run_at=now,
            deadline_at=now + workflow.within,
            step_started_at=now,
            step_deadline_at=now + (step.within if step else timedelta()),
            **direction,
        )
        if not resumed:
            raise NotStuck
        write_timeline(operation.pk, [Line(event="resumed", step=operation.step, message=why)], at=now)
        poke_after_commit(operation.pk)


def _record(actor: Actor, action: str, operation: Operation) -> None:
    tenant_id = operation.tenant_id
    audit.record(actor, action=action, object_type="operation", object_id=operation.id, tenant_id=tenant_id)
