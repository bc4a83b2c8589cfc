"""Order a database, and have it deleted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.errors import Rejected
from dbaas.core.ids import short_name, uuid7
from provisioning.backups import driver_of
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.orders import Order, Wish, check_order
from provisioning.selectors import accepting_clusters, database_of
from provisioning.services.acceptance import Accepted, Idempotency, insert, operation_row, replay, take_over
from provisioning.services.origins import resolve
from provisioning.services.refusals import DeletionProtected, NameTaken, StateForbids
from provisioning.settlement import reserved
from provisioning.states import DatabaseState
from tenants.access import require
from tenants.models import Tenant
from tenants.quota import reserve


def order_database(actor: Actor, tenant_id: UUID, wish: Wish, idempotency: Idempotency) -> Accepted:
    """Accept the order for a new database, empty or with content from a backup: its row, its quota and its operation in one transaction.

    Raises: InvalidOrder, QuotaExceeded, NameTaken, KeyReused, and what `tenants.access.require` raises.
    """
    require(actor, tenant_id, Permission.DATABASES_WRITE)
    if replayed := replay(tenant_id, idempotency):
        return replayed
    if wish.restore_from is not None:
        require(actor, tenant_id, Permission.BACKUPS_READ)
    complete, params = (wish, None) if wish.restore_from is None else resolve(tenant_id, wish, wish.restore_from)
    order = check_order(complete, accepting_clusters())
    now = SYSTEM_CLOCK.now()
    database = _database_row(order, Tenant.objects.get(pk=tenant_id), actor, now)
    workflow = all_workflows()["provision" if params is None else "restore_into_new"]
    operation = operation_row(workflow, database, actor, idempotency, now, params=params)
    database.active_operation_id, database.active_operation_kind = operation.id, operation.kind
    try:
        with atomic():
            database.save(force_insert=True)
            insert(operation, actor)
            reserve(tenant_id, reserved(database))
    except IntegrityError:
        return _explain_clash(tenant_id, order.name, idempotency)
    return Accepted(operation=operation)


@dataclass(frozen=True, kw_only=True)
class Farewell:
    """What is to become of a database's backups when it is deleted."""

    keeps_backups: bool = True
    takes_final_backup: bool = False


def delete_database(
    actor: Actor, database_id: UUID, idempotency: Idempotency, farewell: Farewell = Farewell()
) -> Accepted:
    """Accept the deletion of a database; a running operation is asked to cancel, and the deletion goes next.

    Asking twice gives the same operation. Raises: DeletionProtected, StateForbids (it is deleted, or a final backup needs it ready), KeyReused,
    NoBackupsHere, OperationInProgress (asked twice at the same moment), and what `database_of` and `require` raise.
    """
    database = database_of(actor, database_id)
    require(actor, database.tenant_id, Permission.DATABASES_WRITE)
    if replayed := replay(database.tenant_id, idempotency):
        return replayed
    try:
        return accept_deletion(actor, database, idempotency, farewell)
    except (
        IntegrityError,
        Rejected,
    ):  # the same request, sent twice at once, may be what was in the way, or what ended meanwhile
        if replayed := replay(database.tenant_id, idempotency):
            return replayed
        raise


def accept_deletion(actor: Actor, database: Database, idempotency: Idempotency, farewell: Farewell) -> Accepted:
    """Accept the deletion; who may ask is the caller's business. Raises what `delete_database` raises."""
    if pending := _pending_delete(database):
        return Accepted(operation=pending, is_replay=True)
    if database.deletion_protection:
        raise DeletionProtected
    if farewell.takes_final_backup:
        _require_backup_possible(database)
    workflow = all_workflows()["delete"]
    now = SYSTEM_CLOCK.now()
    params = {
        "backups": "keep" if farewell.keeps_backups else "delete",
        "final_backup": farewell.takes_final_backup,
        "backup_id": str(uuid7()),
    }
    operation = operation_row(workflow, database, actor, idempotency, now, params=params)
    with atomic():
        wakes = take_over(database, operation, workflow, now)
        database.refresh_from_db()
        insert(operation, actor, then_wake=wakes)
    return Accepted(operation=operation)


def _require_backup_possible(database: Database) -> None:
    """Refuse where nothing could be backed up; a database that is changing counts as what it was before, and may be again."""
    driver_of(database.cluster)
    state = database.previous_state if database.state == DatabaseState.CHANGING else database.state
    if state != DatabaseState.READY:
        raise StateForbids(
            f"A final backup needs a database that is ready; this one is {state}. Resume it first, or delete it without."
        )


def _database_row(order: Order, tenant: Tenant, actor: Actor, now: datetime) -> Database:
    footprint = order.footprint
    identifier = uuid7()
    return Database(
        id=identifier,
        tenant=tenant,
        name=order.name,
        engine=order.engine.name,
        version=order.version.name,
        plan=order.plan.name,
        cpu_millicores=order.resources.cpu_millicores,
        memory_mib=order.resources.memory_mib,
        storage_gib=order.resources.storage_gib,
        topology=dict(order.topology),
        region=order.cluster.region,
        cluster=order.cluster,
        namespace=tenant.namespace,
        object_name=f"{order.engine.short_name}-{short_name(identifier)}",
        display_name=order.display_name,
        expires_at=order.expires_at,
        labels=dict(order.labels),
        access_mode=order.access_mode,
        allowed_cidrs=list(order.allowed_cidrs),
        deletion_protection=order.deletion_protection,
        state=DatabaseState.CHANGING,
        previous_state=DatabaseState.REQUESTED,
        reserved_databases=1,
        reserved_cpu_millicores=footprint.cpu_millicores,
        reserved_memory_mib=footprint.memory_mib,
        reserved_storage_gib=footprint.storage_gib,
        created_by=actor.user_id,
        created_at=now,
        updated_at=now,
    )


def _explain_clash(tenant_id: UUID, name: str, idempotency: Idempotency) -> Accepted:
    """Say which unique constraint refused the order: the same key sent twice at once, or a taken name."""
    if replayed := replay(tenant_id, idempotency):
        return replayed
    raise NameTaken(
        f"This tenant has a database named {name!r} already: choose another name, or delete that one first."
    )


def _pending_delete(database: Database) -> Operation | None:
    waiting = [identifier for identifier in (database.active_operation_id, database.next_operation_id) if identifier]
    return Operation.objects.filter(pk__in=waiting, kind="delete").select_related("database").first()
