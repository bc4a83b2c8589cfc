"""RestoreSession: brings a database to a snapshot, in place or as the first thing that happens to a new one.

An attempt that was cut off starts again at the beginning of the same snapshot. The session says how it ended before the
database does, and a session that has ended is looked at until its database says so too.
"""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from devcluster.operator.backup import snapshots, tasks
from devcluster.operator.backup.bodies import (
    Place,
    annotation,
    is_leaving,
    phase_of,
    place_of,
    status_of,
    with_condition,
)
from devcluster.operator.backup.durations import parse_duration, read_time, write_duration
from devcluster.operator.backup.initial import awaits_restore, mark_interrupted, mark_restored, mark_restoring
from devcluster.operator.backup.kinds import (
    CHECKSUM_ANNOTATION,
    EXECUTOR_ANNOTATION,
    REPOSITORIES,
    RESTORE_SESSIONS,
    SNAPSHOT_ANNOTATION,
    SNAPSHOTS,
)
from devcluster.operator.backup.method import Job
from devcluster.operator.backup.repositories import snapshots_of
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.sessions import TOOL_FAILURES
from devcluster.operator.backup.targets import Target, find_target, read_login
from devcluster.operator.backup.vault import DamagedBackupError, Folder
from devcluster.operator.kube import Body, ConflictError
from devcluster.operator.phases import Type, timestamp

TERMINAL = ("Succeeded", "Failed", "Invalid")
DEFAULT_TIMEOUT = timedelta(hours=6)
WAIT_SECONDS = 0.5


class InvalidRestoreError(Exception):
    """The session asks for something that can never be."""


class Restores:
    """All restores of this operator."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._databases: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running: dict[Place, asyncio.Task[None]] = {}

    def interrupt(self, place: Place) -> None:
        """End a restore whose session is being deleted."""
        running = self._running.get(place)
        if running is not None:
            running.cancel()

    async def reconcile(self, place: Place) -> float | None:
        """Start a restore, go on with it, or see that its database knows how it ended."""
        scene = self._scene
        body = await scene.find(RESTORE_SESSIONS, place)
        if body is None:
            return None
        if annotation(body, EXECUTOR_ANNOTATION) not in {"", scene.executor}:
            return None
        target = await find_target(scene.site, scene.engines, body["spec"].get("target"), place.namespace)
        if is_leaving(body):
            if phase_of(body) not in TERMINAL and target is not None:
                await mark_interrupted(scene, target, _origin(body))
            await scene.release(RESTORE_SESSIONS, body)
            return None
        body = await scene.hold(RESTORE_SESSIONS, body)
        if phase_of(body) in TERMINAL:
            await self._settle(body, target)
            return None
        try:
            return await self._advance(body, target)
        except InvalidRestoreError as error:
            await self._end(body, "Invalid", str(error))
            return None

    async def _advance(self, body: Body, target: Target | None) -> float | None:
        scene = self._scene
        if not phase_of(body):
            given = body["spec"].get("restoreTimeout")
            deadline = datetime.now(UTC) + (parse_duration(given) if given else DEFAULT_TIMEOUT)
            body = await scene.write_status(
                RESTORE_SESSIONS, body, {"phase": "Pending", "restoreDeadline": timestamp(deadline)}
            )
        left = (read_time(status_of(body)["restoreDeadline"]) - datetime.now(UTC)).total_seconds()
        if target is None or not _is_reachable(target):
            if left <= 0:
                await self._end(body, "Failed", "The database did not accept connections within the time limit.")
                return 0.0
            await scene.write_status(RESTORE_SESSIONS, body, {"targetFound": target is not None})
            return WAIT_SECONDS
        async with self._databases[Place(target.db.namespace, target.db.name)]:
            snapshot = await self._chosen(body)
            await self._run_until_deleted(body, target, snapshot, max(0.1, left))
        return 0.0

    async def _run_until_deleted(self, body: Body, target: Target, snapshot: Body, left_seconds: float) -> None:
        place, ours = place_of(body), asyncio.current_task()
        running = asyncio.create_task(self._run(body, target, snapshot, left_seconds))
        self._running[place] = running
        try:
            await running
        except asyncio.CancelledError:
            # Our own end looks the same; only that of the session is dealt with here.
            if ours is not None and ours.cancelling():
                raise
        finally:
            del self._running[place]

    async def _chosen(self, body: Body) -> Body:
        """Give the snapshot to restore; once chosen it stays so."""
        scene, source = self._scene, body["spec"].get("dataSource") or {}
        namespace = str(source.get("namespace") or body["metadata"]["namespace"])
        wanted = annotation(body, SNAPSHOT_ANNOTATION) or str(source.get("snapshot") or "")
        if wanted == "latest":
            repository = Place(namespace, str(source.get("repository", "")))
            if await scene.find(REPOSITORIES, repository) is None:
                raise InvalidRestoreError(f"Repository {repository.name} is not found.")
            good = [one for one in await snapshots_of(scene, repository) if phase_of(one) == "Succeeded"]
            if not good:
                raise InvalidRestoreError(f"Repository {repository.name} has no snapshot that succeeded.")
            wanted = str(good[-1]["metadata"]["name"])
        snapshot = await scene.site.kube.find(SNAPSHOTS, namespace, wanted)
        if snapshot is None or phase_of(snapshot) != "Succeeded":
            state = "is not found" if snapshot is None else f"is {phase_of(snapshot) or 'not ready'}"
            raise InvalidRestoreError(f"Snapshot {wanted} {state}.")
        claim = {"annotations": {SNAPSHOT_ANNOTATION: wanted, EXECUTOR_ANNOTATION: scene.executor}}
        if annotation(body, SNAPSHOT_ANNOTATION) != wanted:
            await scene.site.kube.patch(RESTORE_SESSIONS, *place_of(body), {"metadata": claim})
        return snapshot

    async def _run(self, body: Body, target: Target, snapshot: Body, left_seconds: float) -> None:
        scene = self._scene
        folder = snapshots.folder_of(scene, snapshot) or Folder(scene.site.root / "backups" / "none")
        wanted = set((body["spec"].get("dataSource") or {}).get("components") or [])
        names = [part.name for part in folder.parts() if not wanted or part.name in wanted] or ["dump"]
        components: Body = {name: {"phase": "Running"} for name in names}
        status: Body = {"phase": "Running", "targetFound": True, "components": components}
        conditions = with_condition(
            status_of(body).get("conditions"),
            "ValidationPassed",
            holds=True,
            reason="ResourceValidationPassed",
            message="The session is valid.",
        )
        status |= {"totalComponents": len(names), "conditions": conditions}
        body = await scene.write_status(RESTORE_SESSIONS, body, status)
        error = await self._restore(body, target, snapshot, folder, left_seconds)
        ended = {"phase": "Failed", "error": error} if error else {"phase": "Succeeded"}
        body = await scene.write_status(RESTORE_SESSIONS, body, {"components": dict.fromkeys(names, ended)})
        await self._end(body, str(ended["phase"]), error)

    async def _restore(self, body: Body, target: Target, snapshot: Body, folder: Folder, left_seconds: float) -> str:
        """Check the files and restore them; give what went wrong, empty when nothing did."""
        scene, addon = self._scene, body["spec"].get("addon") or {}
        try:
            await folder.verify(annotation(snapshot, CHECKSUM_ANNOTATION))
        except DamagedBackupError as error:
            await scene.write_status(
                SNAPSHOTS, snapshot, {"integrity": False, "verificationStatus": "VerificationFailed"}
            )
            return str(error)
        kind = (snapshot["spec"].get("appRef") or {}).get("kind")
        if kind != target.engine.kind:
            return f"The snapshot is of kind {kind}, the target is {target.engine.kind}."
        await mark_restoring(scene, target, _origin(body))
        try:
            login = await read_login(scene.site, target)
            async with asyncio.timeout(left_seconds):
                for task in addon.get("tasks") or [{"name": "logical-backup-restore"}]:
                    given = task.get("params") or {}
                    job = Job(site=scene.site, target=target, login=login, folder=folder, parameters=given)
                    await tasks.restore(scene, str(task["name"]), job)
        except TimeoutError:
            return f"The restore did not end within its time limit {body['spec'].get('restoreTimeout') or ''}."
        except TOOL_FAILURES as error:
            return str(error)
        return ""

    async def _end(self, body: Body, phase: str, error: str) -> None:
        scene = self._scene
        began = read_time(body["metadata"]["creationTimestamp"])
        status: Body = {"phase": phase, "duration": write_duration(datetime.now(UTC) - began)}
        conditions = status_of(body).get("conditions")
        if phase == "Invalid":
            conditions = with_condition(
                conditions, "ValidationPassed", holds=False, reason="ResourceValidationFailed", message=error
            )
        elif error:
            conditions = with_condition(
                conditions, "RestoreIncomplete", holds=True, reason="FailedToRestore", message=error
            )
        status["conditions"] = conditions or []
        try:
            body = await scene.write_status(RESTORE_SESSIONS, body, status)
        except ConflictError:
            return  # whoever changed it wakes us again
        about = {"apiVersion": RESTORE_SESSIONS.api_version, "kind": RESTORE_SESSIONS.kind, **body}
        if error:
            await scene.site.events.warning(about, "RestoreFailed", error)
        scene.wake(RESTORE_SESSIONS, place_of(body))

    async def _settle(self, body: Body, target: Target | None) -> None:
        """Tell the database how its restore ended, unless it knows."""
        if target is None:
            return
        failed = phase_of(body) != "Succeeded"
        message = "; ".join(str(one["message"]) for one in status_of(body).get("conditions") or [] if one["type"] in {
            "RestoreIncomplete", "ValidationPassed"})  # fmt: skip
        never_began = failed and awaits_restore(target.db.spec, status_of(target.db.body))
        await mark_restored(self._scene, target, _origin(body), error=message if failed else "", began=not never_began)


def _origin(body: Body) -> str:
    return f"RestoreSession {body['metadata']['name']}"


def _is_reachable(target: Target) -> bool:
    return target.has(Type.ACCEPTING_CONNECTION) and not target.db.spec.get("halted")
