"""Remove a database with everything it stored."""

from datetime import timedelta

from provisioning.cluster.kinds import Ref, kind_of
from provisioning.models import Resource
from provisioning.removal import remove
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import PATIENT, Wait, Workflow

WORKFLOW = Workflow(
    "delete",
    title="Deletion",
    status="deleting",
    starts_from=frozenset({DatabaseState.REQUESTED, DatabaseState.READY, DatabaseState.PAUSED, DatabaseState.FAILED}),
    on_success=DatabaseState.DELETED,
    on_undone=None,
    within=timedelta(hours=2),
    frees_quota_on=frozenset({DatabaseState.DELETED}),
)

GONE_WITHIN = timedelta(minutes=60)
"""KubeDB's own samples take 2 min at most; a cloud's volumes can take far longer, and giving up leaves them behind."""


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN, point_of_no_return=True)
def remove_database(run: Run) -> Wait | None:
    """Remove the database, its volumes and its passwords."""
    kind = kind_of("kubedb.com/v1", run.engine.kind)
    return remove(run, Ref(kind=kind, name=run.database.object_name, namespace=run.database.namespace))


@WORKFLOW.step(retry=PATIENT, within=GONE_WITHIN)
def remove_the_rest(run: Run) -> Wait | None:
    """Remove everything else that the ledger holds for the database."""
    for line in Resource.objects.filter(database=run.database, is_gone=False).order_by("-id"):
        kind = kind_of(line.api_version, line.kind)
        waits = remove(run, Ref(kind=kind, name=line.name, namespace=line.namespace or None))
        if waits is not None:
            return waits
    return None


@WORKFLOW.step(retry=PATIENT)
def record_removal(run: Run) -> None:
    """Note that nothing is left."""
    run.record(endpoint_host="", endpoint_port=None, phase="", object_uid="")
