"""Stop a database's servers and keep its data and its password; resume brings it back. Its quota stays reserved, so that it can come back."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provisioning import halting
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
    "pause",
    title="Pausing",
    status="pausing",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.PAUSED,
    on_undone=None,
    within=timedelta(minutes=60),
    request=Request(
        verb="pause",
        summary="Pause a database",
        description="Stop the servers; data and password stay, nothing is backed up meanwhile. The quota stays reserved.",
        check=_check,
    ),
)

HALTED_WITHIN = timedelta(minutes=20)
"""Under a minute in KubeDB's samples; large memories take long to write out."""


@WORKFLOW.step(retry=CLUSTER_CALL)
def stop_backups(run: Run) -> None:
    """Suspend the backup schedule."""
    halting.pause_backups(run, paused=True)


@WORKFLOW.undo(stop_backups)
def take_backups_up(run: Run) -> None:
    """Take the backup schedule up again."""
    halting.pause_backups(run, paused=False)


@WORKFLOW.step(retry=PATIENT, within=HALTED_WITHIN)
def stop_servers(run: Run) -> Wait | None:
    """Stop the servers and keep their volumes."""
    return halting.halt(run, ref_to_database(run))


@WORKFLOW.undo(stop_servers)
def start_servers(run: Run) -> Wait | None:
    """Start the servers again."""
    return halting.wake(run, ref_to_database(run))


@WORKFLOW.step(retry=PATIENT, within=HALTED_WITHIN)
def stop_companions(run: Run) -> Wait | None:
    """Stop what runs beside the database."""
    return halting.halt_companions(run)


@WORKFLOW.undo(stop_companions)
def start_companions(run: Run) -> Wait | None:
    """Start what runs beside the database again."""
    return halting.wake_companions(run)


@WORKFLOW.step(retry=CLUSTER_CALL, point_of_no_return=True)
def record_pause(run: Run) -> None:
    """Note that nothing of it runs."""
    run.record(endpoint_host="", endpoint_port=None)
