"""Give a database a new password. KubeDB makes it, so that we never hold it; the old one stops working."""

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
    "rotate_credentials",
    title="Rotating the credentials",
    status="rotating_credentials",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(minutes=60),
    request=Request(
        verb="rotate-credentials",
        summary="Give a database a new password",
        description=(
            "Make a new password and restart what must know it. The old one stops working at once: read the new one with"
            " `GET databases/{id}/credentials` when the operation has succeeded."
        ),
        check=_check,
    ),
)

ROTATED_WITHIN = timedelta(minutes=30)
"""Eight minutes in KubeDB's slowest sample, more than tripled."""
_REQUEST = OpsRequest(key="ra", type="RotateAuth")


@WORKFLOW.step(retry=CLUSTER_CALL, within=ROTATED_WITHIN)
def ask_to_rotate(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for a new password."""
    return ops_requests.ask(run, _REQUEST)


@WORKFLOW.undo(ask_to_rotate)
def withdraw_rotation(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    return ops_requests.withdraw(run, _REQUEST)


@WORKFLOW.step(retry=PATIENT, within=ROTATED_WITHIN, point_of_no_return=True)
def rotate_password(run: Run) -> Wait | Fail | None:
    """Change the password, in the servers and in the Secret."""
    return ops_requests.follow(run, _REQUEST)


@WORKFLOW.step(retry=PATIENT, within=ROTATED_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
