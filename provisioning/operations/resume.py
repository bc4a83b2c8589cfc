"""Start a paused database again, with the data and the password that it had; its address may be another one."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provisioning import halting, making
from provisioning.engine import Engine
from provisioning.models import Database
from provisioning.readback import ref_to_database
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Wait, Workflow
from provisioning.workflow.request import Accepted, Request


def _check(_database: Database, _engine: Engine, _body: Mapping[str, Any]) -> Accepted:
    return Accepted()


WORKFLOW = Workflow(
    "resume",
    title="Resuming",
    status="resuming",
    starts_from=frozenset({DatabaseState.PAUSED}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(minutes=60),
    request=Request(
        verb="resume",
        summary="Resume a paused database",
        description="Start the servers again. Data and password are as they were; read the address again.",
        check=_check,
    ),
)

READY_WITHIN = timedelta(minutes=30)
"""As long as a first start, without the images' way."""


@WORKFLOW.step(retry=PATIENT, within=READY_WITHIN)
def start_companions(run: Run) -> Wait | None:
    """Start what runs beside the database."""
    return halting.wake_companions(run)


@WORKFLOW.undo(start_companions)
def stop_companions(run: Run) -> Wait | None:
    """Stop what runs beside the database again."""
    return halting.halt_companions(run)


@WORKFLOW.step(retry=PATIENT, within=READY_WITHIN)
def start_servers(run: Run) -> Wait | None:
    """Start the servers, and wait until KubeDB reports the database as ready."""
    return halting.wake(run, ref_to_database(run))


@WORKFLOW.undo(start_servers)
def stop_servers(run: Run) -> Wait | None:
    """Stop the servers again."""
    return halting.halt(run, ref_to_database(run))


@WORKFLOW.step(retry=PATIENT)
def record_endpoint(run: Run) -> Wait | None:
    """Find out where the database answers."""
    return making.record_endpoint(run)


@WORKFLOW.step(retry=CLUSTER_CALL, point_of_no_return=True)
def take_backups_up(run: Run) -> None:
    """Take the backup schedule up again."""
    halting.pause_backups(run, paused=False)
