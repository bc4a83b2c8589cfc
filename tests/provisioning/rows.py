"""Rows that tests begin with where no cluster is needed: databases at rest, their backups and policies."""

from datetime import datetime
from typing import Any

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.ids import uuid7
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation


def at_rest(operation: Operation, state: str = "ready", **columns: Any) -> Database:
    """Let the operation be over, and the database in this state."""
    Operation.objects.filter(pk=operation.pk).update(state="succeeded", holds_database=False, next_run_at=None)
    Database.objects.filter(pk=operation.database_id).update(
        state=state, active_operation_id=None, active_operation_kind="", **columns
    )
    return Database.objects.get(pk=operation.database_id)


def let_back_up(cluster: Cluster, **columns: Any) -> None:
    """Set the cluster up for backups by KubeStash, as `prepare_backups` does."""
    prepared = {
        "backup_driver": "kubestash",
        "backup_namespace": "dbaas-backup",
        "backup_storage": "dbaas",
        "backup_encryption_secret": "dbaas-backup-key",
        "archiver": "dbaas",
    }
    Cluster.objects.filter(pk=cluster.pk).update(**{**prepared, **columns})
    cluster.refresh_from_db()


def backup_of(database: Database, **columns: Any) -> Backup:
    """Return a new row of a backup: unless told otherwise, a manual one that succeeded this moment."""
    now = SYSTEM_CLOCK.now()
    like_the_database = {
        "tenant_id": database.tenant_id,
        "database": database,
        "cluster": database.cluster,
        "namespace": database.namespace,
        "engine": database.engine,
        "version": database.version,
    }
    identifier = uuid7()
    ended = {
        "id": identifier,
        "kind": "manual",
        "state": "succeeded",
        "snapshot": f"snapshot-{identifier}",
        "repository": f"{database.object_name}-manual",
        "created_at": now,
        "taken_at": now,
    }
    return Backup.objects.create(**{**like_the_database, **ended, **columns})


def policy_for(database: Database, *, applied_at: datetime | None = None, **columns: Any) -> BackupPolicy:
    """Return a new policy: unless told otherwise, every night at two, UTC."""
    return BackupPolicy.objects.create(
        **{
            "database": database,
            "schedule": "0 2 * * *",
            "applied_at": applied_at or SYSTEM_CLOCK.now(),
            **columns,
        }
    )
