"""Move a database to a newer version, along the ways that KubeDB's catalogue allows. There is no way back but a backup."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Conflict, FieldError
from provisioning import making, ops_requests
from provisioning.engine import Engine
from provisioning.models import Backup, Database
from provisioning.ops_requests import OpsRequest
from provisioning.orders import InvalidOrder
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Fail, TooLate, Wait, Workflow
from provisioning.workflow.request import Accepted, Field, Request

RECENT = timedelta(hours=24)


class NoRecentBackup(Conflict):
    """There is no successful backup of the last 24 hours to go back to: take one first, or send `"force": true`."""

    code = "database.no_recent_backup"


def _check(database: Database, engine: Engine, body: Mapping[str, Any]) -> Accepted:
    wanted = body["version"]
    reason = engine.changes.refuse_upgrade(database.topology)
    allowed = [version.name for version in engine.upgrades(database.version)]
    if not reason and wanted not in allowed:
        ways = ", ".join(allowed) or "none: restore a backup into a new database"
        reason = f"{database.version} cannot become {wanted[:63]}; it can become: {ways}."
    if reason:
        raise InvalidOrder(errors=[FieldError(field="version", message=reason, code="unsupported_upgrade")])
    recent = Backup.objects.filter(database=database, state="succeeded", taken_at__gte=SYSTEM_CLOCK.now() - RECENT)
    if not body.get("force") and not recent.exists():
        raise NoRecentBackup
    return Accepted(params={"version": wanted, "companions": making.has_companions(database, engine)})


WORKFLOW = Workflow(
    "upgrade",
    title="Upgrading",
    status="upgrading",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(hours=4),
    request=Request(
        verb="upgrade",
        summary="Upgrade a database to a newer version",
        description=(
            "Move to a newer version; `GET engines/{name}/versions` says which version can become which. Refused without a"
            " successful backup of the last 24 hours, unless forced: there is no other way back."
        ),
        check=_check,
        fields=(
            Field(name="version", type="text", description="The version's name, as in the catalogue.", required=True),
            Field(name="force", type="yes_no", description="Upgrade without a recent backup.", default=False),
        ),
        refuses=(InvalidOrder, NoRecentBackup),
        example={"version": "18.3"},
    ),
)

UPGRADED_WITHIN = timedelta(minutes=120)
"""Six minutes in KubeDB's samples, of almost empty databases."""


def _request(run: Run) -> OpsRequest:
    return OpsRequest(key="uv", type="UpdateVersion", block=_block(run))


def _companion_requests(run: Run) -> list[OpsRequest]:
    """Return the requests that go first: KubeDB refuses a Redis whose sentinels are older than it would become."""
    return [
        OpsRequest(
            key=f"c{index}",
            type="UpdateVersion",
            block=_block(run),
            kind=f"{body['kind']}OpsRequest",
            target=body["metadata"]["name"],
        )
        for index, body in enumerate(making.companions(run))
    ]


def _block(run: Run) -> dict[str, Any]:
    return {"updateVersion": {"targetVersion": run.operation.params["version"]}}


@WORKFLOW.step(retry=CLUSTER_CALL, within=UPGRADED_WITHIN)
def ask_for_companions(run: Run) -> Wait | Fail | None:
    """Ask KubeDB to upgrade what runs beside the database, if anything does."""
    for request in _companion_requests(run):
        if waits := ops_requests.ask(run, request):
            return waits
    return None


@WORKFLOW.undo(ask_for_companions)
def withdraw_companions(run: Run) -> Wait | TooLate | None:
    """Withdraw the requests, if KubeDB has not begun."""
    for request in _companion_requests(run):
        if waits := ops_requests.withdraw(run, request):
            return waits
    return None


@WORKFLOW.step(retry=PATIENT, within=UPGRADED_WITHIN, point_of_no_return=lambda params: params["companions"])
def upgrade_companions(run: Run) -> Wait | Fail | None:
    """Upgrade what runs beside the database, if anything does."""
    for request in _companion_requests(run):
        if waits := ops_requests.follow(run, request):
            return waits
    return None


@WORKFLOW.step(retry=CLUSTER_CALL, within=UPGRADED_WITHIN)
def ask_to_upgrade(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for the new version."""
    return ops_requests.ask(run, _request(run))


@WORKFLOW.undo(ask_to_upgrade)
def withdraw_upgrade(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    return ops_requests.withdraw(run, _request(run))


@WORKFLOW.step(retry=PATIENT, within=UPGRADED_WITHIN, point_of_no_return=True)
def upgrade_servers(run: Run) -> Wait | Fail | None:
    """Bring the servers and the data to the new version."""
    return ops_requests.follow(run, _request(run))


@WORKFLOW.step(retry=PATIENT, within=UPGRADED_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
