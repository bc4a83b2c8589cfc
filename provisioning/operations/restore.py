"""Bring a backup's content back into the database that it was taken of. What is there now is backed up first, unless told not to."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dbaas.core.errors import Conflict
from dbaas.core.ids import uuid7
from provisioning import making
from provisioning.backups.driver import NoBackupsHere
from provisioning.copies import give_up_copy, take_copy
from provisioning.engine import Engine
from provisioning.models import Backup, Database
from provisioning.restoring import restore_content, usable_backup
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import PATIENT, Fail, Wait, Workflow
from provisioning.workflow.request import Accepted, Field, Request


class NoSuchBackup(Conflict):
    """There is no successful backup of this database to restore: `GET databases/{id}/backups` lists what there is."""

    code = "backup.not_usable"


def _check(database: Database, _engine: Engine, body: Mapping[str, Any]) -> Accepted:
    backup = usable_backup(Backup.objects.filter(database=database), body.get("backup"))
    if backup is None:
        raise NoSuchBackup
    return Accepted(
        params={"backup": str(backup.pk), "safety_backup": body["safety_backup"], "backup_id": str(uuid7())}
    )


WORKFLOW = Workflow(
    "restore",
    title="Restoring",
    status="restoring",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(hours=10),
    request=Request(
        verb="restore",
        summary="Restore a backup in place",
        description=(
            "Replace what is in the database by a backup of it. A safety backup is taken first. Open connections are cut."
            " For a new database from a backup, or from any moment, send `restore_from` with `POST databases`."
        ),
        check=_check,
        fields=(
            Field(name="backup", type="id", description="By default the latest successful one."),
            Field(name="safety_backup", type="yes_no", description="Back up what is there now first.", default=True),
        ),
        refuses=(NoSuchBackup, NoBackupsHere),
        example={"backup": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90"},
    ),
)

TAKEN_WITHIN = timedelta(hours=4)
RESTORED_WITHIN = timedelta(hours=5)
"""KubeStash gives up after two hours of backup and, as we ask it, four of restoring."""


@WORKFLOW.step(retry=PATIENT, within=TAKEN_WITHIN)
def take_safety_backup(run: Run) -> Wait | Fail | None:
    """Back up what is there now, unless told not to."""
    return take_copy(run, "safety", note="before a restore") if run.operation.params["safety_backup"] else None


@WORKFLOW.undo(take_safety_backup)
def give_safety_backup_up(run: Run) -> None:
    """No longer wait for the backup."""
    give_up_copy(run)


@WORKFLOW.step(retry=PATIENT, within=RESTORED_WITHIN, point_of_no_return=True)
def restore_backup(run: Run) -> Wait | Fail | None:
    """Bring the backup's content into the database."""
    return restore_content(run)


@WORKFLOW.step(retry=PATIENT, within=timedelta(minutes=30))
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
