"""Marks a database while a request changes it, as KubeDB does with the condition Paused."""

from devcluster.operator.database import Database
from devcluster.operator.ops.request import Request
from devcluster.operator.phases import Condition, timestamp
from devcluster.operator.status import Status

PAUSED = "Paused"
REASON = "DatabasePausedByOpsRequest"
"""Others may pause a database too; their mark is not ours to lift."""


def is_paused_by_us(db: Database) -> bool:
    """Tell whether a request has marked the database."""
    conditions = (db.body.get("status") or {}).get("conditions") or []
    return any(one["type"] == PAUSED and one.get("reason") == REASON for one in conditions)


async def pause(status: Status, request: Request) -> None:
    """Mark the database."""
    generation = int(status.body["metadata"].get("generation", 1))

    def change(conditions: list[Condition]) -> list[Condition]:
        if any(one["type"] == PAUSED for one in conditions):
            return conditions
        message = f"The database is paused by OpsRequest {request.name}"
        told = {"type": PAUSED, "status": "True", "reason": REASON, "message": message}
        return [*conditions, {**told, "observedGeneration": generation, "lastTransitionTime": timestamp()}]

    await status.change(change)


async def unpause(status: Status) -> None:
    """Lift the mark; the status says from now on which generation it is about."""

    def change(conditions: list[Condition]) -> list[Condition]:
        return [one for one in conditions if one["type"] != PAUSED or one.get("reason") != REASON]

    await status.change(change)
