"""Take a backup now. It stays until somebody deletes it; retention takes only what the schedule made."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accounts.permissions import Permission
from dbaas.core.ids import uuid7
from provisioning.backup_space import require_backup_space
from provisioning.backups import driver_of
from provisioning.backups.driver import NoBackupsHere
from provisioning.copies import give_up_copy, take_copy
from provisioning.engine import Engine
from provisioning.models import Database
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import PATIENT, Fail, Wait, Workflow
from provisioning.workflow.request import Accepted, Field, Request
from tenants.quota import QuotaExceeded


def _check(database: Database, _engine: Engine, body: Mapping[str, Any]) -> Accepted:
    driver_of(database.cluster)
    require_backup_space(database.tenant_id)
    return Accepted(params={"backup_id": str(uuid7()), "note": body.get("note") or ""})


WORKFLOW = Workflow(
    "backup",
    title="Backup",
    status="backing_up",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(hours=5),
    request=Request(
        permission=Permission.BACKUPS_WRITE,
        verb="backup",
        summary="Back a database up now",
        description="Take a backup. The database stays in use meanwhile. `GET databases/{id}/backups` lists it.",
        check=_check,
        fields=(Field(name="note", type="text", description="What the backup is for."),),
        refuses=(NoBackupsHere, QuotaExceeded),
        example={"note": "before the migration"},
    ),
)

TAKEN_WITHIN = timedelta(hours=4)
"""A dump of some hundred GiB; KubeStash itself gives up after two hours."""


@WORKFLOW.step(retry=PATIENT, within=TAKEN_WITHIN)
def take_backup(run: Run) -> Wait | Fail | None:
    """Take the backup."""
    return take_copy(run, "manual", note=run.operation.params["note"])


@WORKFLOW.undo(take_backup)
def give_backup_up(run: Run) -> None:
    """No longer wait for the backup."""
    give_up_copy(run)
