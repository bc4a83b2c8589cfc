"""Give a tenant a new database."""

from datetime import timedelta

from provisioning.cluster.kinds import Ref, kind_of, ref_of
from provisioning.endpoint import Endpoint, NoAddressYet, find_endpoint
from provisioning.manifests import namespace_manifest, spec_of
from provisioning.observations import observed_columns, observed_phase, why_not_ready
from provisioning.removal import remove
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Wait, Workflow

WORKFLOW = Workflow(
    "provision",
    title="Provisioning",
    status="provisioning",
    starts_from=frozenset({DatabaseState.REQUESTED}),
    on_success=DatabaseState.READY,
    on_undone=DatabaseState.FAILED,
    within=timedelta(minutes=40),
    frees_quota_on=frozenset({DatabaseState.FAILED}),
)

READY_WITHIN = timedelta(minutes=30)
"""Slowest first start in KubeDB's own samples: 9 min, a sharded MongoDB; tripled for cold images and rounded up."""


@WORKFLOW.step(retry=CLUSTER_CALL)
def apply_namespace(run: Run) -> None:
    """Prepare the tenant's namespace in the cluster."""
    run.apply(namespace_manifest(run.database))


@WORKFLOW.step(retry=CLUSTER_CALL)
def create_companions(run: Run) -> None:
    """Create what the database needs beside it."""
    for body in run.engine.companion_manifests(spec_of(run.database, run.engine, run.operation)):
        run.create(body)


@WORKFLOW.undo(create_companions)
def remove_companions(run: Run) -> Wait | None:
    """Remove what was created beside the database."""
    for body in run.engine.companion_manifests(spec_of(run.database, run.engine, run.operation)):
        waits = remove(run, ref_of(body))
        if waits is not None:
            return waits
    return None


@WORKFLOW.step(retry=CLUSTER_CALL)
def create_database(run: Run) -> None:
    """Ask KubeDB for the database."""
    made = run.create(run.engine.database_manifest(spec_of(run.database, run.engine, run.operation)))
    run.record(object_uid=made["metadata"]["uid"])


@WORKFLOW.undo(create_database)
def remove_database(run: Run) -> Wait | None:
    """Remove the database again, with everything it stored."""
    return remove(run, _ref(run))


@WORKFLOW.step(retry=PATIENT, within=READY_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until KubeDB reports the database as ready."""
    found = run.gateway.get(_ref(run))
    if found is None:
        return Wait(reason="The database's object is not in the cluster.")
    run.record(**observed_columns(found))
    return None if observed_phase(found) == "Ready" else Wait(reason=why_not_ready(found))


@WORKFLOW.step(retry=PATIENT)
def record_endpoint(run: Run) -> Wait | None:
    """Find out where the database answers."""
    endpoint = find_endpoint(run.gateway, run.database, run.engine)
    if isinstance(endpoint, NoAddressYet):
        return Wait(reason=endpoint.reason, again_in=timedelta(seconds=2))
    run.record(**_columns(endpoint))
    return None


def _columns(endpoint: Endpoint) -> dict[str, str | int]:
    return {"endpoint_host": endpoint.host, "endpoint_port": endpoint.port}


def _ref(run: Run) -> Ref:
    kind = kind_of("kubedb.com/v1", run.engine.kind)
    return Ref(kind=kind, name=run.database.object_name, namespace=run.database.namespace)
