"""Make a database: namespace, companions, custom resource, then wait until it is up and find its address."""

from datetime import timedelta

from provisioning import making
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
    """Ask KubeDB for the database."""
    making.create_database(run)


@WORKFLOW.undo(create_database)
def remove_database(run: Run) -> Wait | None:
    """Remove the database again, with everything it stored."""
    return making.remove_database(run)


@WORKFLOW.step(retry=PATIENT, within=READY_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until KubeDB reports the database as ready."""
    return making.wait_until_ready(run)


@WORKFLOW.step(retry=PATIENT)
def record_endpoint(run: Run) -> Wait | None:
    """Find out where the database answers."""
    return making.record_endpoint(run)
