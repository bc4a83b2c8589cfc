"""Change settings of a database's servers, which restart where a setting needs it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dbaas.core.errors import FieldError
from provisioning import making, ops_requests
from provisioning.engine import Engine
from provisioning.models import Database
from provisioning.ops_requests import OpsRequest
from provisioning.orders import InvalidOrder
from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Fail, TooLate, Wait, Workflow
from provisioning.workflow.request import Accepted, Field, Request


def _check(database: Database, engine: Engine, body: Mapping[str, Any]) -> Accepted:
    problems: list[FieldError] = []
    parameters = dict(database.parameters)
    for name, value in body["parameters"].items():
        path = f"parameters.{name}"[:80]
        known = engine.changes.parameter(name)
        if known is None:
            names = ", ".join(parameter.name for parameter in engine.changes.parameters)
            message = f"cannot be set; what can: {names}."
            problems.append(FieldError(field=path, message=message, code="unknown_parameter"))
        elif value is None:
            parameters.pop(name, None)
        elif isinstance(parsed := known.parse(value, path), FieldError):
            problems.append(parsed)
        else:
            parameters[name] = parsed
    if not problems and parameters == database.parameters:
        message = "The database has these settings already."
        problems.append(FieldError(field="parameters", message=message, code="nothing_to_do"))
    if problems:
        raise InvalidOrder("The settings cannot be changed so: see the errors by field.", errors=problems)
    removes = bool(set(database.parameters) - set(parameters))
    return Accepted(params={"parameters": parameters, "removes": removes})


WORKFLOW = Workflow(
    "reconfigure",
    title="Reconfiguring",
    status="reconfiguring",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(minutes=60),
    request=Request(
        verb="reconfigure",
        summary="Change a database's settings",
        description=(
            "Change settings of the servers; `GET engines` lists those that can be changed. `null` takes a setting back to the"
            " server's own. The same as `PATCH` with `parameters`."
        ),
        check=_check,
        fields=(
            Field(name="parameters", type="object", description="Values by name; null for the default.", required=True),
        ),
        refuses=(InvalidOrder,),
        example={"parameters": {"max_connections": 200}},
    ),
)

APPLIED_WITHIN = timedelta(minutes=30)
"""Five minutes in KubeDB's slowest sample, with room for ten servers."""


def _request(run: Run) -> OpsRequest:
    changes, wanted = run.engine.changes, run.operation.params
    change: dict[str, Any] = {}
    if wanted["removes"]:
        change["removeCustomConfig"] = True
    if wanted["parameters"]:
        change["applyConfig"] = {changes.file_name: changes.render(wanted["parameters"])}
    block = changes.configuration(run.database.topology, change)
    return OpsRequest(key="rc", type="Reconfigure", block={"configuration": block})


@WORKFLOW.step(retry=CLUSTER_CALL, within=APPLIED_WITHIN)
def ask_to_reconfigure(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for the new settings."""
    return ops_requests.ask(run, _request(run))


@WORKFLOW.undo(ask_to_reconfigure)
def withdraw_settings(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    return ops_requests.withdraw(run, _request(run))


@WORKFLOW.step(retry=PATIENT, within=APPLIED_WITHIN, point_of_no_return=True)
def apply_settings(run: Run) -> Wait | Fail | None:
    """Bring the settings to the servers."""
    ends = ops_requests.follow(run, _request(run))
    if ends is None:
        run.record(parameters=run.operation.params["parameters"])
    return ends


@WORKFLOW.step(retry=PATIENT, within=APPLIED_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
