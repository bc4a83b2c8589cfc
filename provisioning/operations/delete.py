"""Remove a database with everything it stored; its backups are kept, or go too, as was asked."""

from datetime import timedelta

from provisioning.backups import driver_of
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.copies import (
    backup_id,
    discard_archive,
    discard_copies,
    discard_repositories,
    end_archiving,
    find_copies,
    give_up_copy,
    take_copy,
)
from provisioning.models import Backup, BackupPolicy, Resource
from provisioning.readback import ref_to_database
from provisioning.removal import remove
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import PATIENT, Fail, Wait, Workflow

WORKFLOW = Workflow(
    "delete",
    title="Deletion",
    status="deleting",
    starts_from=frozenset({DatabaseState.REQUESTED, DatabaseState.READY, DatabaseState.PAUSED, DatabaseState.FAILED}),
    on_success=DatabaseState.DELETED,
    on_undone=None,
    within=timedelta(hours=8),
    frees_quota_on=frozenset({DatabaseState.DELETED}),
)

TAKEN_WITHIN = timedelta(hours=4)
AT_ONCE = 20
"""So many objects are deleted in one try of a step: a worker has half a minute."""
GONE_WITHIN = timedelta(minutes=60)
"""KubeDB's own samples take 2 min at most; a cloud's volumes can take far longer, and giving up leaves them behind."""


@WORKFLOW.step(retry=PATIENT, within=TAKEN_WITHIN)
def take_final_backup(run: Run) -> Wait | Fail | None:
    """Take a last backup, if one was asked for."""
    if not run.operation.params.get("final_backup"):
        return None
    return take_copy(run, "final", note="before the deletion")


@WORKFLOW.undo(take_final_backup)
def give_final_backup_up(run: Run) -> None:
    """No longer wait for the backup."""
    give_up_copy(run)


def _takes_backups_along(run: Run) -> bool:
    return bool(run.database.cluster.backup_driver and run.operation.params.get("backups") == "delete")


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN, point_of_no_return=True)
def delete_backups(run: Run) -> Wait | None:
    """Delete the backups but for the final one, if they were to go too."""
    if not _takes_backups_along(run):
        return None
    if waits := end_archiving(run):
        return waits
    find_copies(run)
    others = Backup.objects.filter(database=run.database).exclude(pk=backup_id(run.operation))
    copies = discard_copies(run, others.exclude(state="deleted").select_related("cluster"))
    return discard_archive(run) or copies


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN)
def end_schedule(run: Run) -> Wait | None:
    """End the schedule of backups."""
    if not run.database.cluster.backup_driver:
        return None
    for ref in driver_of(run.database.cluster).configurations(run.database):
        if waits := remove(run, ref):
            return waits
    BackupPolicy.objects.filter(database=run.database).delete()
    return None


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN)
def remove_database(run: Run) -> Wait | None:
    """Remove the database, its volumes and its passwords."""
    return remove(run, ref_to_database(run), keeps_volumes=run.database.deletion_policy == "keep_volumes")


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN)
def remove_the_rest(run: Run) -> Wait | None:
    """Remove everything else that the ledger holds for the database."""
    lines = Resource.objects.filter(database=run.database, is_gone=False).order_by("-id")
    refs = [
        Ref(kind=kind_of(line.api_version, line.kind), name=line.name, namespace=line.namespace or None)
        for line in lines
    ]
    waits = [wait for ref in refs[:AT_ONCE] if (wait := remove(run, ref))]
    return waits[0] if waits else None


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN)
def remove_repositories(run: Run) -> Wait | None:
    """Remove what held the backups, if they were to go."""
    return discard_repositories(run) if _takes_backups_along(run) else None


@WORKFLOW.step(retry=PATIENT)
def record_removal(run: Run) -> None:
    """Note that nothing is left."""
    run.record(endpoint_host="", endpoint_port=None, phase="", object_uid="")
