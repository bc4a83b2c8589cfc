"""Reads for the API, always from the caller's point of view: what belongs to a tenant that the caller is not in does not exist."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.actor import Actor
from dbaas.core.errors import NotFound
from provisioning.models import Backup, Cluster, Database, Operation, OperationEvent
from tenants.access import within_reach


class DatabaseNotFound(NotFound):
    """There is no such database, or it belongs to a tenant that you are not in: check the id."""

    code = "database.not_found"


class OperationNotFound(NotFound):
    """There is no such operation, or it belongs to a tenant that you are not in: check the id."""

    code = "operation.not_found"


def databases_of(actor: Actor, **filters: Any) -> QuerySet[Database]:
    """Return the live databases of all the caller's tenants."""
    return Database.objects.filter(**within_reach(actor), is_live=True).filter(**filters)


def database_of(actor: Actor, database_id: UUID) -> Database:
    """Return one database, deleted ones included (their operations still point at them); one query.

    Raises: DatabaseNotFound.
    """
    found = Database.objects.filter(pk=database_id, **within_reach(actor)).first()
    if found is None:
        raise DatabaseNotFound
    return found


def operations_of(actor: Actor, **filters: Any) -> QuerySet[Operation]:
    """Return the operations of all the caller's tenants, with their databases."""
    return Operation.objects.filter(**within_reach(actor)).filter(**filters).select_related("database")


def operation_of(actor: Actor, operation_id: UUID) -> Operation:
    """Return one operation with its database; one query.

    Raises: OperationNotFound.
    """
    found = operations_of(actor, pk=operation_id).first()
    if found is None:
        raise OperationNotFound
    return found


class BackupNotFound(NotFound):
    """There is no such backup, or it belongs to a tenant that you are not in: check the id."""

    code = "backup.not_found"


def backups_of(actor: Actor, **filters: Any) -> QuerySet[Backup]:
    """Return the backups of all the caller's tenants, those that are deleted left out."""
    mine = Backup.objects.filter(**within_reach(actor)).filter(**filters)
    return mine.exclude(state="deleted").select_related("database")


def backup_of(actor: Actor, backup_id: UUID) -> Backup:
    """Return one backup with its database, deleted ones included.

    Raises: BackupNotFound.
    """
    mine = Backup.objects.filter(pk=backup_id, **within_reach(actor))
    found = mine.select_related("database").first()
    if found is None:
        raise BackupNotFound
    return found


def timeline_of(operation: Operation) -> list[OperationEvent]:
    """Return what happened so far, in order."""
    return list(OperationEvent.objects.filter(operation=operation).order_by("seq"))


def accepting_clusters() -> list[Cluster]:
    """Return the clusters that take new databases, the oldest first."""
    return list(Cluster.objects.filter(accepts_databases=True).order_by("id"))


def regions() -> dict[str, bool]:
    """Return every region, the oldest cluster's first, and whether it takes new databases."""
    found: dict[str, bool] = {}
    for region, accepts in Cluster.objects.order_by("id").values_list("region", "accepts_databases"):
        found[region] = found.get(region, False) or accepts
    return found
