"""Make a new database that begins with a backup's content, or as another database was at some moment."""

from datetime import datetime, timedelta

from dbaas.core.errors import Permanent
from provisioning import making, restoring
from provisioning.backups import driver_of
from provisioning.models import Database
from provisioning.observations import failed_restore
from provisioning.readback import find_database
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Fail, Wait, Workflow


class RestoreFailed(Permanent):
    """The content could not be brought into the new database, which is removed again."""

    code = "restore.failed"


WORKFLOW = Workflow(
    "restore_into_new",
    title="Restoring into a new database",
    status="restoring",
    starts_from=frozenset({DatabaseState.REQUESTED}),
    on_success=DatabaseState.READY,
    on_undone=DatabaseState.FAILED,
    within=timedelta(hours=8),
    frees_quota_on=frozenset({DatabaseState.FAILED}),
)

RESTORED_WITHIN = timedelta(hours=5)
"""KubeStash gives up after four hours, as we ask it."""
ARCHIVED_WITHIN = timedelta(minutes=20)
"""An archiver ships a log when it is full or after some minutes; of a database that stands still it may ship none."""


@WORKFLOW.step(retry=PATIENT, within=ARCHIVED_WITHIN)
def wait_for_archive(run: Run) -> Wait | None:
    """Wait until the archive reaches the wanted moment."""
    params = run.operation.params
    if params["point_in_time"] is None:
        return None
    source = Database.objects.select_related("cluster").get(pk=params["source"])
    window = driver_of(source.cluster).window(run.gateway, source)
    if window is not None and window.ends_at >= datetime.fromisoformat(params["point_in_time"]):
        return None
    reached = f"reaches {window.ends_at.isoformat(timespec='seconds')}" if window else "holds no full backup"
    return Wait(reason=f"The archive {reached} so far.", again_in=timedelta(seconds=5))


@WORKFLOW.step(retry=CLUSTER_CALL)
def apply_namespace(run: Run) -> None:
    """Prepare the tenant's namespace in the cluster."""
    making.apply_namespace(run)


@WORKFLOW.step(retry=CLUSTER_CALL)
def create_companions(run: Run) -> None:
    """Create what the database needs beside it."""
    making.create_companions(run)


@WORKFLOW.undo(create_companions)
def remove_companions(run: Run) -> Wait | None:
    """Remove what was created beside the database."""
    return making.remove_companions(run)


@WORKFLOW.step(retry=CLUSTER_CALL)
def create_database(run: Run) -> None:
    """Ask KubeDB for a database that waits for its content."""
    params = run.operation.params
    if params["point_in_time"] is None:
        making.create_database(run, init={"waitForInitialRestore": True})
        return
    source = Database.objects.select_related("cluster").get(pk=params["source"])
    at = datetime.fromisoformat(params["point_in_time"])
    making.create_database(run, init=driver_of(source.cluster).recovery(source, at))


@WORKFLOW.undo(create_database)
def remove_database(run: Run) -> Wait | None:
    """Remove the database again, with everything it stored."""
    return making.remove_database(run)


@WORKFLOW.step(retry=PATIENT, within=RESTORED_WITHIN)
def restore_backup(run: Run) -> Wait | None:
    """Bring the content into the new database."""
    if run.operation.params["point_in_time"] is not None:
        return None
    ends = restoring.restore_content(run)
    if isinstance(ends, Fail):
        raise RestoreFailed(ends.detail)
    return ends


@WORKFLOW.undo(restore_backup)
def withdraw_restore(run: Run) -> Wait | None:
    """Stop bringing content in."""
    return restoring.withdraw_restore(run) if run.operation.params["backup"] else None


@WORKFLOW.step(retry=PATIENT, within=RESTORED_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until KubeDB reports the database as ready."""
    why = failed_restore(find_database(run))
    if why:
        raise RestoreFailed(why)
    return making.wait_until_ready(run)


@WORKFLOW.step(retry=PATIENT)
def record_endpoint(run: Run) -> Wait | None:
    """Find out where the database answers."""
    return making.record_endpoint(run)
