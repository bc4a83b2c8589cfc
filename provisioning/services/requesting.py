"""Ask for an operation on a database that there is: whatever its kind, accepted by the same rules."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from accounts.actor import Actor
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.errors import Rejected
from provisioning.engines import all_engines
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.selectors import database_of
from provisioning.services.acceptance import Accepted, Idempotency, insert, operation_row, replay, take_database
from provisioning.settlement import amounts_of, reserved
from provisioning.workflow.declare import Workflow
from provisioning.workflow.request import Request
from tenants.access import require
from tenants.quota import Amounts, reserve


def request_operation(
    actor: Actor,
    database_id: UUID,
    kind: str,
    body: Mapping[str, Any],
    idempotency: Idempotency,
    *,
    along_with: Callable[[], object] = lambda: None,
) -> Accepted:
    """Accept an operation of this kind: its row, the difference in quota and the database's new state in one transaction.

    What is done `along_with` it is part of that transaction: both happen or neither, and a replay repeats neither.

    Raises: OperationInProgress, StateForbids, QuotaExceeded, KeyReused, what the operation's own check refuses, and what `database_of` and
    `require` raise.
    """
    database = database_of(actor, database_id)
    workflow = all_workflows()[kind]
    require(actor, database.tenant_id, _asked_by(workflow).permission)
    if replayed := replay(database.tenant_id, idempotency):
        return replayed
    try:
        with atomic():
            along_with()
            operation = accept(actor, database, workflow, body, idempotency)
    except (
        IntegrityError,
        Rejected,
    ):  # the same request, sent twice at once, may be what was in the way, or what ended meanwhile
        if replayed := replay(database.tenant_id, idempotency):
            return replayed
        raise
    operation.database.refresh_from_db()
    return Accepted(operation=operation)


def accept(
    actor: Actor, database: Database, workflow: Workflow, body: Mapping[str, Any], idempotency: Idempotency
) -> Operation:
    """Take the database and write the operation down; who may ask is the caller's business.

    The check comes after the database is taken, so that nothing it looked at can change before the operation begins.
    """
    asked = _asked_by(workflow)
    now = SYSTEM_CLOCK.now()
    operation = operation_row(workflow, database, actor, idempotency, now)
    with atomic():
        take_database(database, operation, workflow, now)
        database.refresh_from_db()
        accepted = asked.check(database, all_engines()[database.engine], body)
        operation.params = dict(accepted.params)
        insert(operation, actor)
        if accepted.grows_to is not None:
            _reserve_difference(database, amounts_of(accepted.grows_to), now)
    return operation


def _asked_by(workflow: Workflow) -> Request:
    if workflow.request is None:
        raise ValueError(f"{workflow.kind} is not asked for in this way.")
    return workflow.request


def _reserve_difference(database: Database, then: Amounts, now: datetime) -> None:
    """Reserve what the database will need beyond what it holds; what it needs less is given back when it is done."""
    held = reserved(database)
    more = (then - held).above_zero()
    holds = held + more
    Database.objects.filter(pk=database.pk).update(
        reserved_cpu_millicores=holds.cpu_millicores,
        reserved_memory_mib=holds.memory_mib,
        reserved_storage_gib=holds.storage_gib,
        updated_at=now,
    )
    reserve(database.tenant_id, more)
