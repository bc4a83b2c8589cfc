"""What a restore means to the conditions of its database, and to the birth of a new one.

The phase follows from the conditions by KubeDB's own rule, in `phases.py`.
"""

from devcluster.operator.backup.bodies import status_of
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import Target
from devcluster.operator.initial import awaits_restore
from devcluster.operator.kube import Body
from devcluster.operator.phases import Condition, Type, with_condition, without
from devcluster.operator.phases import status_of as condition_status
from devcluster.operator.status import Status

__all__ = ["awaits_restore", "mark_interrupted", "mark_restored", "mark_restoring"]


async def mark_restoring(scene: Scene, target: Target, origin: str) -> None:
    """Say that the database's rows are being replaced."""
    generation = _generation(target.db.body)

    def change(conditions: list[Condition]) -> list[Condition]:
        return with_condition(
            without(conditions, Type.DATA_RESTORED),
            Type.DATA_RESTORE_STARTED,
            status=True,
            generation=generation,
            message=_started(origin),
        )

    await _status(scene, target).change(change)


async def mark_restored(scene: Scene, target: Target, origin: str, *, error: str, began: bool = True) -> None:
    """Say how the restore of a session ended, unless another one or nothing has begun since."""
    conditions = status_of(target.db.body).get("conditions") or []
    ours = any(
        one["type"] == Type.DATA_RESTORE_STARTED and one.get("message") == _started(origin) for one in conditions
    )
    others = not ours and condition_status(conditions, Type.DATA_RESTORE_STARTED) is not None
    if others or (began and not ours) or condition_status(conditions, Type.DATA_RESTORED) is not None:
        return
    await _finish(scene, target, restored=not error, reason="FailedToRestoreData" if error else "", message=error)
    if error:
        await scene.site.events.warning(target.db.body, "FailedToRestoreData", error)


async def mark_interrupted(scene: Scene, target: Target, origin: str) -> None:
    """Say that the session went away before it ended."""
    conditions = status_of(target.db.body).get("conditions") or []
    ours = any(
        one["type"] == Type.DATA_RESTORE_STARTED and one.get("message") == _started(origin) for one in conditions
    )
    if ours and condition_status(conditions, Type.DATA_RESTORED) is None:
        message = f"{origin} was deleted before it ended."
        await _finish(scene, target, restored=False, reason="DataRestoreInterrupted", message=message)


async def _finish(scene: Scene, target: Target, *, restored: bool, reason: str, message: str) -> None:
    generation = _generation(target.db.body)

    def change(conditions: list[Condition]) -> list[Condition]:
        return with_condition(
            conditions, Type.DATA_RESTORED, status=restored, generation=generation, reason=reason, message=message
        )

    await _status(scene, target).change(change)
    scene.wake_database(target.key)


def _started(origin: str) -> str:
    return f"{origin} restores the data."


def _generation(body: Body) -> int:
    return int(body["metadata"].get("generation", 1))


def _status(scene: Scene, target: Target) -> Status:
    return Status(kube=scene.site.kube, resource=target.engine.resource, body=target.db.body)
