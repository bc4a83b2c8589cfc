"""BackupSession: one run. It is skipped, or it makes a snapshot in each of the session's repositories.

Everything that has to survive a killed operator stands in the objects: a run that was cut off starts again and finds
the snapshots that it has made already.
"""

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from devcluster.operator.backup import pruning, repositories, snapshots, storages, tasks
from devcluster.operator.backup.bodies import (
    Place,
    annotation,
    is_leaving,
    phase_of,
    place_of,
    referred,
    status_of,
    with_condition,
)
from devcluster.operator.backup.configurations import backend_of, session_of, start_session
from devcluster.operator.backup.durations import parse_duration, read_time, write_duration
from devcluster.operator.backup.kinds import (
    BACKUP_SESSIONS,
    CONFIGURATIONS,
    EXECUTOR_ANNOTATION,
    REPOSITORIES,
    SNAPSHOTS,
    STORAGES,
)
from devcluster.operator.backup.method import Job, ToolError
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import Target, find_target, read_login
from devcluster.operator.backup.vault import Folder
from devcluster.operator.kube import Body, ConflictError
from devcluster.operator.phases import Phase, timestamp
from devcluster.operator.processes import ServerError

TERMINAL = ("Succeeded", "Failed", "Skipped")
AT_ONCE = 2
DEFAULT_TIMEOUT = timedelta(hours=6)
"""KubeStash has none; a run that never ends would block the schedule for ever."""
UNSEEN_SECONDS = 0.3
TOOL_FAILURES = (ToolError, ServerError, OSError)


class Sessions:
    """All runs of this operator."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._deciding: defaultdict[Place, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._running = asyncio.Semaphore(AT_ONCE)

    async def reconcile(self, place: Place) -> float | None:
        """Start a run, go on with it, or follow up on it."""
        body = await self._scene.find(BACKUP_SESSIONS, place)
        if body is None or is_leaving(body):
            return None
        invoker = Place(place.namespace, str(body["spec"]["invoker"]["name"]))
        configuration = await self._scene.find(CONFIGURATIONS, invoker)
        if phase_of(body) in TERMINAL:
            return await self._retry(body, configuration)
        if not phase_of(body):
            if configuration is not None and not phase_of(configuration):
                return UNSEEN_SECONDS
            async with self._deciding[invoker]:
                started = await self._start(body, configuration)
            if started is None:
                return None
            body = started
        if annotation(body, EXECUTOR_ANNOTATION) != self._scene.executor or configuration is None:
            return None
        async with self._running:
            await self._run(body, configuration)
        return 0.0

    async def _start(self, body: Body, configuration: Body | None) -> Body | None:
        """Claim the run, or skip it; None when there is nothing to do for us."""
        scene = self._scene
        refusal = await self._refusal(body, configuration)
        if annotation(body, EXECUTOR_ANNOTATION) not in {"", scene.executor}:
            return None
        if refusal or configuration is None:
            conditions = with_condition(
                [], "BackupSkipped", holds=True, reason="PreRequisitesNotSatisfied", message=refusal
            )
            await scene.write_status(BACKUP_SESSIONS, body, {"phase": "Skipped", "conditions": conditions})
            return None
        claim = {"annotations": {EXECUTOR_ANNOTATION: scene.executor}}
        claim["resourceVersion"] = body["metadata"]["resourceVersion"]
        try:
            body = await scene.site.kube.patch(BACKUP_SESSIONS, *place_of(body), {"metadata": claim})
        except ConflictError:
            return None  # whoever changed it wakes us again
        session = session_of(configuration, str(body["spec"].get("session"))) or {}
        given = body["spec"].get("backupTimeout") or session.get("backupTimeout")
        limit = parse_duration(given) if given else DEFAULT_TIMEOUT
        status: Body = {"phase": "Running", "backupDeadline": timestamp(datetime.now(UTC) + limit)}
        status["totalSnapshots"] = len(session.get("repositories") or [])
        return await scene.write_status(BACKUP_SESSIONS, body, status)

    async def _refusal(self, body: Body, configuration: Body | None) -> str:
        """Say why the run must not be; empty when it may."""
        name, session = body["spec"]["invoker"]["name"], str(body["spec"].get("session"))
        if configuration is None or is_leaving(configuration):
            return f"BackupConfiguration {name} is not found"
        wrong = {
            "is paused": bool(configuration["spec"].get("paused")),
            "is not ready": phase_of(configuration) != "Ready",
            f"has no session {session}": session_of(configuration, session) is None,
        }
        for why, so in wrong.items():
            if so:
                return f"BackupConfiguration {name} {why}"
        return await self._rival(body) or _unavailable(await self._target(configuration))

    async def _rival(self, body: Body) -> str:
        """Say which other run of the same configuration is going on; empty for none."""
        for other in await self._scene.site.kube.list_all(BACKUP_SESSIONS, body["metadata"]["namespace"]):
            same = other["spec"]["invoker"]["name"] == body["spec"]["invoker"]["name"]
            is_other = other["metadata"]["name"] != body["metadata"]["name"]
            if same and is_other and phase_of(other) in {"Pending", "Running"}:
                return f"BackupSession {other['metadata']['name']} is running"
        return ""

    async def _target(self, configuration: Body) -> Target | None:
        reference, namespace = configuration["spec"].get("target"), configuration["metadata"]["namespace"]
        return await find_target(self._scene.site, self._scene.engines, reference, namespace)

    async def _run(self, body: Body, configuration: Body) -> None:
        scene, began = self._scene, read_time(body["metadata"]["creationTimestamp"])
        session = session_of(configuration, str(body["spec"].get("session"))) or {}
        left = (read_time(status_of(body)["backupDeadline"]) - datetime.now(UTC)).total_seconds()
        made: list[Body] = []
        for wanted in session.get("repositories") or []:
            made.append(await self._snapshot(body, configuration, wanted, max(0.1, left)))
            listed = [_described(one) for one in made]
            await scene.write_status(BACKUP_SESSIONS, body, {"snapshots": listed})
        failures = [snapshots.error_of(one) or "no snapshot" for one in made if phase_of(one) != "Succeeded"]
        retention, clean = await pruning.apply(scene, configuration, session)
        conditions = with_condition(
            status_of(body).get("conditions"),
            "SnapshotsEnsured",
            holds=not failures,
            reason="FailedToEnsureSnapshots" if failures else "SuccessfullyEnsuredSnapshots",
            message="; ".join(failures) or "All snapshots were made.",
        )
        status: Body = {"phase": "Failed" if failures or not clean else "Succeeded", "conditions": conditions}
        status |= {"retentionPolicy": retention, "duration": write_duration(datetime.now(UTC) - began)}
        await scene.write_status(BACKUP_SESSIONS, body, status)
        await pruning.forget_sessions(scene, configuration, session)

    async def _snapshot(self, body: Body, configuration: Body, wanted: Body, left_seconds: float) -> Body:
        """Make the snapshot of one repository, unless it was made before."""
        scene, namespace = self._scene, body["metadata"]["namespace"]
        backend = backend_of(configuration, str(wanted.get("backend", "")))
        storage_place = referred(backend.get("storageRef"), namespace)
        storage, target = await scene.find(STORAGES, storage_place), await self._target(configuration)
        if storage is None or storage_place is None or target is None:
            return {"metadata": {"name": ""}, "spec": {}, "status": snapshots.failed("storage or target is gone")}
        repository = await repositories.ensure(scene, configuration, wanted, storage_place)
        directory = storages.directory_of(scene, storage, str(repository["spec"].get("path", "")))
        folder = scene.vault.folder(directory, place_of(repository).name + "." + body["metadata"]["name"])
        fresh = snapshots.build(session=body, repository=repository, target=target, folder=scene.vault.relative(folder))
        snapshot = await repositories.add_snapshot(scene, repository, fresh)
        if phase_of(snapshot) in {"Succeeded", "Failed"}:
            return snapshot
        await scene.write_status(SNAPSHOTS, snapshot, {"phase": "Running", "totalComponents": 1})
        status = await self._dump(body, configuration, target, folder, left_seconds)
        snapshot = await snapshots.record(scene, snapshot, folder, status)
        scene.wake(REPOSITORIES, place_of(repository))
        return snapshot

    async def _dump(self, body: Body, configuration: Body, target: Target, folder: Folder, left_seconds: float) -> Body:
        scene, started = self._scene, time.monotonic()
        session = session_of(configuration, str(body["spec"].get("session"))) or {}
        await folder.remove()
        try:
            login = await read_login(scene.site, target)
            async with asyncio.timeout(left_seconds):
                for task in (session.get("addon") or {}).get("tasks") or [{"name": "logical-backup"}]:
                    given = task.get("params") or {}
                    job = Job(site=scene.site, target=target, login=login, folder=folder, parameters=given)
                    await tasks.back_up(scene, str(task["name"]), job)
        except TimeoutError:
            await folder.remove()
            given = body["spec"].get("backupTimeout") or session.get("backupTimeout") or ""
            return snapshots.failed(f"The backup did not end within its time limit {given}.")
        except TOOL_FAILURES as error:
            await folder.remove()
            return snapshots.failed(str(error))
        return snapshots.succeeded(folder, started)

    async def _retry(self, body: Body, configuration: Body | None) -> float | None:
        """Let a failed run be tried again, after the pause that its session says."""
        left, status = int(body["spec"].get("retryLeft") or 0), status_of(body)
        name = str(body["spec"].get("session"))
        session = session_of(configuration, name) if configuration is not None else None
        if phase_of(body) != "Failed" or left < 1 or configuration is None or session is None:
            return None
        if not status.get("nextRetry"):
            delay = parse_duration((session.get("retryConfig") or {}).get("delay") or "0s")
            again = timestamp(datetime.now(UTC) + delay + timedelta(seconds=1))
            body = await self._scene.write_status(BACKUP_SESSIONS, body, {"retried": True, "nextRetry": again})
        moment = read_time(status_of(body)["nextRetry"])
        wait_seconds = (moment - datetime.now(UTC)).total_seconds()
        if wait_seconds > 0:
            return wait_seconds
        await start_session(self._scene, configuration, name, moment, left - 1)
        return None


def _unavailable(target: Target | None) -> str:
    """Say why a database cannot be backed up now; one that is gone makes the run fail, with its own message."""
    if target is not None and target.db.spec.get("halted"):
        return f"{target.engine.kind} {target.db.name} is halted"
    if target is not None and target.phase == Phase.DATA_RESTORING:
        return f"{target.engine.kind} {target.db.name} is being restored"
    return ""


def _described(snapshot: Body) -> Body:
    spec = snapshot["spec"]
    described = {"name": snapshot["metadata"]["name"], "phase": phase_of(snapshot)}
    return {**described, "repository": spec.get("repository", ""), "appRef": spec.get("appRef", {"name": ""})}
