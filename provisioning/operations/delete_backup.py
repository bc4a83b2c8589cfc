"""Delete one backup with its content; the database that it was taken of may be gone already."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accounts.permissions import Permission
from dbaas.core.errors import Conflict
from provisioning.copies import discard_archive, discard_copies, discard_repositories
from provisioning.engine import Engine
from provisioning.models import Backup, Database
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import PATIENT, Wait, Workflow
from provisioning.workflow.request import Accepted, Request


class BackupNotDeletable(Conflict):
    """The backup is being taken, or is deleted already: only what has ended can be deleted."""

    code = "backup.not_deletable"


def _check(database: Database, _engine: Engine, body: Mapping[str, Any]) -> Accepted:
    backup = Backup.objects.filter(database=database, pk=body["backup"]).first()
    if backup is None or backup.state not in ("succeeded", "failed"):
        raise BackupNotDeletable
    return Accepted(params={"backup": str(backup.pk)})


WORKFLOW = Workflow(
    "delete_backup",
    title="Deleting the backup",
    status="deleting_backup",
    starts_from=frozenset({DatabaseState.READY, DatabaseState.PAUSED, DatabaseState.FAILED, DatabaseState.DELETED}),
    on_success=None,
    on_undone=None,
    within=timedelta(hours=2),
    request=Request(
        permission=Permission.BACKUPS_WRITE,
        verb="",
        summary="Delete a backup",
        description="Delete a backup with its content.",
        check=_check,
        refuses=(BackupNotDeletable,),
    ),
)


@WORKFLOW.step(retry=PATIENT, within=timedelta(hours=1), point_of_no_return=True)
def discard_backup(run: Run) -> Wait | None:
    """Delete the backup's content."""
    return discard_copies(run, Backup.objects.select_related("cluster").filter(pk=run.operation.params["backup"]))


@WORKFLOW.step(retry=PATIENT, within=timedelta(minutes=30))
def discard_the_rest(run: Run) -> Wait | None:
    """Remove what no backup of a deleted database needs any more."""
    if run.database.is_live or Backup.objects.filter(database=run.database).exclude(state="deleted").exists():
        return None
    return discard_archive(run) or discard_repositories(run)
