"""Restart a database's servers, one after the other."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provisioning import making, ops_requests
from provisioning.engine import Engine
from provisioning.models import Database
from provisioning.ops_requests import OpsRequest
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Fail, TooLate, Wait, Workflow
from provisioning.workflow.request import Accepted, Request


def _check(_database: Database, _engine: Engine, _body: Mapping[str, Any]) -> Accepted:
    return Accepted()


WORKFLOW = Workflow(
    "restart",
    title="Restarting",
    status="restarting",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(minutes=60),
    request=Request(
        verb="restart",
        summary="Restart a database",
        description="Restart the servers one after the other; with one server this is a short outage. Data and password stay.",
        check=_check,
    ),
)

RESTARTED_WITHIN = timedelta(minutes=30)
"""Ten minutes in KubeDB's slowest sample of three servers, tripled."""
_REQUEST = OpsRequest(key="rs", type="Restart", on_broken=True)


@WORKFLOW.step(retry=CLUSTER_CALL, within=RESTARTED_WITHIN)
def ask_to_restart(run: Run) -> Wait | Fail | None:
    """Ask KubeDB to restart the servers."""
    return ops_requests.ask(run, _REQUEST)


@WORKFLOW.undo(ask_to_restart)
def withdraw_restart(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    return ops_requests.withdraw(run, _REQUEST)


@WORKFLOW.step(retry=PATIENT, within=RESTARTED_WITHIN, point_of_no_return=True)
def restart_servers(run: Run) -> Wait | Fail | None:
    """Restart the servers one after the other."""
    return ops_requests.follow(run, _REQUEST)


@WORKFLOW.step(retry=PATIENT, within=RESTARTED_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
