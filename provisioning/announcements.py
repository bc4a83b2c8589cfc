"""What tenants' own systems are told of operations, databases and backups; called in the transaction in which it happens.

The ids are those of the timeline and of `GET databases/{id}/events`, where the event is a line there. What is not in here is told nobody.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from provisioning.models import Backup, Database, DatabaseEvent, Operation, OperationEvent
from provisioning.states import DatabaseState
from webhooks.outbox import publish

_OF_OPERATIONS = ("accepted", "succeeded", "failed", "cancelled", "stuck")
"""Lines of a timeline that are told."""
_OF_DATABASES = {
    DatabaseState.READY: ("database.ready", "It can be used."),
    DatabaseState.PAUSED: ("database.paused", "It is halted; its data stays."),
    DatabaseState.FAILED: ("database.failed", "It could not be made."),
    DatabaseState.DELETED: ("database.deleted", "It is gone."),
}
_OF_BACKUPS = {"succeeded": "The backup is whole.", "failed": "The backup failed."}
_NOTICED = {
    "BackupMissed": "backup.missed",
    "ExpiresSoon": "database.expires_soon",
    "ExpiryRefused": "database.expiry_refused",
    "Drifted": "database.drifted",
}
"""By the reason of the event."""


def announce_lines(tenant_id: UUID, lines: Iterable[OperationEvent]) -> None:
    """Tell of those lines of an operation's timeline that customers' systems act on; the operation's row must be written already."""
    for line in lines:
        if line.event in _OF_OPERATIONS:
            publish(tenant_id, f"operation.{line.event}", _operation_of(line), at=line.at, event_id=line.id)


def announce_state(database: Database, before: DatabaseState, after: DatabaseState, *, at: datetime) -> None:
    """Tell that an operation has left the database in another state than it found it in."""
    if before == after or after not in _OF_DATABASES:
        return
    kind, message = _OF_DATABASES[after]
    publish(database.tenant_id, kind, lambda: {"database": _named(database), "message": message}, at=at)


def announce_noticed(database: Database, event: DatabaseEvent) -> None:
    """Tell what was noticed of a database outside any operation."""
    kind = _NOTICED.get(event.reason)
    if kind is not None:
        content = {"database": _named(database), "message": event.message}
        publish(database.tenant_id, kind, lambda: content, at=event.at, event_id=event.id)


def announce_backup(backup: Backup, *, at: datetime) -> None:
    """Tell that a backup is whole, or could not be taken; its row must be written already."""
    if backup.state in ("succeeded", "failed"):
        publish(backup.tenant_id, f"backup.{backup.state}", lambda: _of_backup(backup), at=at)


def _operation_of(line: OperationEvent) -> Callable[[], dict[str, Any]]:
    def read() -> dict[str, Any]:
        operation = Operation.objects.select_related("database").get(pk=line.operation_id)
        error = {"code": operation.error_code, "detail": operation.error_detail} if operation.error_code else None
        told = {"id": operation.id, "kind": operation.kind, "state": str(operation.state), "error": error}
        return {"operation": told, "database": _named(operation.database), "message": line.message}

    return read


def _of_backup(backup: Backup) -> dict[str, Any]:
    told = {"id": backup.pk, "kind": backup.kind, "size_bytes": backup.size_bytes, "taken_at": backup.taken_at}
    return {
        "backup": told,
        "database": _named(backup.database),
        "message": backup.error or _OF_BACKUPS[str(backup.state)],
    }


def _named(database: Database) -> dict[str, Any]:
    return {"id": database.pk, "name": database.name, "engine": database.engine}
