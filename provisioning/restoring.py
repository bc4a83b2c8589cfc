"""Bring content into a database from a backup: shared by the restore in place and the one into a new database."""

from uuid import UUID

from django.db.models import QuerySet

from provisioning.backups import driver_of
from provisioning.backups.driver import Outcome
from provisioning.cluster.kinds import ref_of
from provisioning.models import Backup
from provisioning.observations import observed_columns
from provisioning.readback import find_database
from provisioning.removal import remove
from provisioning.run import Run
from provisioning.workflow.declare import Fail, Wait


def usable_backup(backups: QuerySet[Backup], wanted: UUID | None) -> Backup | None:
    """Return the wanted one of these backups, or the latest, if it can be restored from."""
    usable = backups.filter(state="succeeded").order_by("-taken_at", "-id")
    return (usable.filter(pk=wanted) if wanted else usable).first()


def restore_content(run: Run) -> Wait | Fail | None:
    """Ask for the backup's content to be brought into the database, and wait for it; a failure says what it left."""
    driver = driver_of(run.database.cluster)
    backup = Backup.objects.select_related("cluster").get(pk=run.operation.params["backup"])
    body = driver.restoration(run.database, run.engine, run.operation, backup)
    found = run.find(ref_of(body)) or run.create(body)
    progress = driver.progress(found)
    if progress.outcome is Outcome.RUNNING:
        return Wait(reason=f"The backup is being restored. {progress.message}", done=progress.done)
    run.record(**observed_columns(find_database(run)))
    if progress.outcome is Outcome.SUCCEEDED:
        return None
    return Fail(code="restore.failed", detail=f"The restore failed: {progress.message}")


def withdraw_restore(run: Run) -> Wait | None:
    """Remove the request for the backup's content, so that nothing goes on filling a database that is taken back."""
    backup = Backup.objects.select_related("cluster").get(pk=run.operation.params["backup"])
    body = driver_of(run.database.cluster).restoration(run.database, run.engine, run.operation, backup)
    return remove(run, ref_of(body))
