"""Change the size of a database: processor and memory, members, disk; each a request of its own to KubeDB, one after the other."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from provisioning import bodies, making, ops_requests
from provisioning.engine import Engine
from provisioning.models import Database
from provisioning.ops_requests import OpsRequest
from provisioning.orders import InvalidOrder
from provisioning.resizing import check_resize
from provisioning.run import Run
from provisioning.sizes import Resources
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Fail, TooLate, Wait, Workflow
from provisioning.workflow.request import Accepted, Field, Request


def _check(database: Database, engine: Engine, body: Mapping[str, Any]) -> Accepted:
    size = check_resize(database, engine, body)
    now = database.cpu_millicores, database.memory_mib
    then = size.resources.cpu_millicores, size.resources.memory_mib
    params = {
        "compute": {"cpu_millicores": then[0], "memory_mib": then[1]} if then != now else None,
        "members": dict(size.topology) if size.topology != database.topology else None,
        "storage_gib": size.resources.storage_gib if size.resources.storage_gib != database.storage_gib else None,
    }
    return Accepted(params=params, grows_to=engine.footprint(size.topology, size.resources))


WORKFLOW = Workflow(
    "scale",
    title="Scaling",
    status="scaling",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(hours=4),
    request=Request(
        verb="scale",
        summary="Change a database's size",
        description=(
            "Change the plan (or processor and memory), the members, the disk, or several at once: they are done one after"
            " the other. A disk only grows. The tenant's quota must hold the larger of both sizes until it is done."
        ),
        check=_check,
        fields=(
            Field(name="plan", type="text", description="See `GET plans`; the disk stays as it is."),
            Field(name="cpu_millicores", type="number", description="Per node, instead of a plan."),
            Field(name="memory_mib", type="number", description="Per node, instead of a plan."),
            Field(name="storage_gib", type="number", description="Per data node; larger than now."),
            Field(
                name="topology",
                type="object",
                description="Only the numbers that change, such as `replicas`; the mode stays.",
            ),
        ),
        refuses=(InvalidOrder,),
        example={"plan": "medium", "storage_gib": 40, "topology": {"replicas": 5}},
    ),
)

COMPUTE_WITHIN = timedelta(minutes=60)
MEMBERS_WITHIN = timedelta(minutes=90)
STORAGE_WITHIN = timedelta(minutes=90)
"""KubeDB's samples: 8 min, 8 min for each node added, 44 min for an Elasticsearch with roles; with room for data to copy."""


def _compute(run: Run) -> OpsRequest | None:
    """Return the request for another processor and memory, or None where they stay."""
    wanted = run.operation.params["compute"]
    if wanted is None:
        return None
    block = run.engine.changes.compute(run.database.topology, bodies.amounts(Resources(**wanted, storage_gib=0)))
    return OpsRequest(key="vs", type="VerticalScaling", block={"verticalScaling": {"mode": "Restart", **block}})


def _members(run: Run) -> OpsRequest | None:
    """Return the request for other members, or None where they stay."""
    wanted = run.operation.params["members"]
    if wanted is None:
        return None
    return OpsRequest(
        key="hs", type="HorizontalScaling", block={"horizontalScaling": run.engine.changes.members(wanted)}
    )


def _storage(run: Run) -> OpsRequest | None:
    """Return the request for a larger disk, or None where it stays."""
    wanted = run.operation.params["storage_gib"]
    if wanted is None:
        return None
    block = run.engine.changes.storage(run.database.topology, f"{wanted}Gi")
    return OpsRequest(key="ve", type="VolumeExpansion", block={"volumeExpansion": {"mode": "Online", **block}})


@WORKFLOW.step(retry=CLUSTER_CALL, within=COMPUTE_WITHIN)
def ask_for_compute(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for the new processor and memory, if they change."""
    request = _compute(run)
    return ops_requests.ask(run, request) if request else None


@WORKFLOW.undo(ask_for_compute)
def withdraw_compute(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    request = _compute(run)
    return ops_requests.withdraw(run, request) if request else None


@WORKFLOW.step(retry=PATIENT, within=COMPUTE_WITHIN, point_of_no_return=lambda params: params["compute"] is not None)
def change_compute(run: Run) -> Wait | Fail | None:
    """Change processor and memory, one server after the other."""
    request = _compute(run)
    return ops_requests.follow(run, request) if request else None


@WORKFLOW.step(retry=CLUSTER_CALL, within=MEMBERS_WITHIN)
def ask_for_members(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for the new members, if they change."""
    request = _members(run)
    return ops_requests.ask(run, request) if request else None


@WORKFLOW.undo(ask_for_members)
def withdraw_members(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    request = _members(run)
    return ops_requests.withdraw(run, request) if request else None


@WORKFLOW.step(retry=PATIENT, within=MEMBERS_WITHIN, point_of_no_return=lambda params: params["members"] is not None)
def change_members(run: Run) -> Wait | Fail | None:
    """Add or remove members."""
    request = _members(run)
    return ops_requests.follow(run, request) if request else None


@WORKFLOW.step(retry=CLUSTER_CALL, within=STORAGE_WITHIN)
def ask_for_storage(run: Run) -> Wait | Fail | None:
    """Ask KubeDB for the larger disk, if it grows."""
    request = _storage(run)
    return ops_requests.ask(run, request) if request else None


@WORKFLOW.undo(ask_for_storage)
def withdraw_storage(run: Run) -> Wait | TooLate | None:
    """Withdraw the request, if KubeDB has not begun."""
    request = _storage(run)
    return ops_requests.withdraw(run, request) if request else None


@WORKFLOW.step(
    retry=PATIENT, within=STORAGE_WITHIN, point_of_no_return=lambda params: params["storage_gib"] is not None
)
def change_storage(run: Run) -> Wait | Fail | None:
    """Enlarge the disks."""
    request = _storage(run)
    return ops_requests.follow(run, request) if request else None


@WORKFLOW.step(retry=PATIENT, within=COMPUTE_WITHIN)
def wait_until_ready(run: Run) -> Wait | None:
    """Wait until the database is ready again."""
    return making.wait_until_ready(run)
