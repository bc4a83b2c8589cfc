"""Set when a database is backed up by itself, how many of these backups are kept, and whether it can be brought back to any moment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import FieldError
from provisioning.backups import driver_of
from provisioning.backups.driver import NoBackupsHere
from provisioning.backups.schedules import BadSchedule, check_schedule
from provisioning.copies import archive, configure, policy_of
from provisioning.engine import Engine
from provisioning.models import BackupPolicy, Database
from provisioning.orders import InvalidOrder
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Wait, Workflow
from provisioning.workflow.request import Accepted, Request

_MOST_KEPT = 1000


def _check(database: Database, engine: Engine, body: Mapping[str, Any]) -> Accepted:
    driver_of(database.cluster)
    problems: list[FieldError] = []
    try:
        check_schedule(body["schedule"], body["time_zone"])
    except BadSchedule as error:
        problems.append(FieldError(field=error.field, message=str(error), code="invalid_schedule"))
    kept = {name: body[name] for name in ("keep_last", "keep_daily", "keep_weekly", "keep_monthly")}
    for name, number in kept.items():
        if not (1 if name == "keep_last" else 0) <= number <= _MOST_KEPT:
            message = f"must be at most {_MOST_KEPT}, and of the last ones at least one is kept."
            problems.append(FieldError(field=name, message=message, code="out_of_range"))
    if body["point_in_time"] and not (engine.backup.archiver_kind and database.cluster.archiver):
        message = f"is not offered for {engine.title} in {database.region}."
        problems.append(FieldError(field="point_in_time", message=message, code="not_available"))
    if problems:
        raise InvalidOrder("The backup policy cannot be kept: see the errors by field.", errors=problems)
    names = ("schedule", "time_zone", "point_in_time", "is_paused")
    return Accepted(params={**{name: body[name] for name in names}, **kept})


WORKFLOW = Workflow(
    "backup_policy",
    title="Setting the backup policy",
    status="setting_backup_policy",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(minutes=30),
    request=Request(
        permission=Permission.BACKUPS_WRITE,
        verb="",
        summary="Set a database's backup policy",
        description="Set when backups are taken and how many are kept.",
        check=_check,
        refuses=(InvalidOrder, NoBackupsHere),
    ),
)


def _wanted(run: Run) -> BackupPolicy:
    """Return the policy as it will be, not saved."""
    return BackupPolicy(database=run.database, applied_at=run.now(), **run.operation.params)


@WORKFLOW.step(retry=PATIENT)
def apply_schedule(run: Run) -> Wait | None:
    """Bring schedule and retention to the cluster."""
    return configure(run, _wanted(run))


@WORKFLOW.undo(apply_schedule)
def apply_schedule_before(run: Run) -> Wait | None:
    """Bring back the policy that there was before."""
    return configure(run, policy_of(run.database))


@WORKFLOW.step(retry=CLUSTER_CALL)
def apply_archiving(run: Run) -> None:
    """Let the archiver keep every change, or no longer."""
    archive(run, wanted=run.operation.params["point_in_time"])


@WORKFLOW.undo(apply_archiving)
def apply_archiving_before(run: Run) -> None:
    """Let the archiver do as before."""
    policy = policy_of(run.database)
    archive(run, wanted=policy is not None and policy.point_in_time)


@WORKFLOW.step(retry=CLUSTER_CALL, point_of_no_return=True)
def record_policy(run: Run) -> None:
    """Note the policy."""
    BackupPolicy.objects.update_or_create(
        database=run.database, defaults={**run.operation.params, "applied_at": SYSTEM_CLOCK.now()}
    )
