"""Removes what a session's retention policies and its history limit let go, after a run.

Which snapshots that are is chosen in `retention.py`.
"""

from datetime import UTC, datetime

from devcluster.operator.backup import retention, snapshots
from devcluster.operator.backup.bodies import Place, phase_of, place_of, referred, status_of
from devcluster.operator.backup.configurations import backend_of
from devcluster.operator.backup.durations import read_time
from devcluster.operator.backup.kinds import BACKUP_SESSIONS, RETENTION_POLICIES, SNAPSHOTS
from devcluster.operator.backup.repositories import snapshots_of
from devcluster.operator.backup.scene import Scene
from devcluster.operator.kube import ApiError, Body


async def apply(scene: Scene, configuration: Body, session: Body) -> tuple[list[Body], bool]:
    """Apply the policies; give what became of each, and whether all could be applied."""
    namespace, said = configuration["metadata"]["namespace"], []
    for repository in session.get("repositories") or []:
        backend = backend_of(configuration, str(repository.get("backend", "")))
        place = referred(backend.get("retentionPolicy"), namespace)
        if place is None:
            continue
        outcome: Body = {"ref": place._asdict(), "repository": repository["name"], "phase": "Applied"}
        try:
            await _apply(scene, Place(namespace, str(repository["name"])), place)
        except (ApiError, ValueError, OSError) as error:
            outcome |= {"phase": "FailedToApply", "error": str(error)}
        said.append(outcome)
    return said, all(one["phase"] == "Applied" for one in said)


async def forget_sessions(scene: Scene, configuration: Body, session: Body) -> None:
    """Remove all but the last finished runs of a session."""
    limit = max(1, int(session.get("sessionHistoryLimit") or 1))
    namespace, name = place_of(configuration)
    runs = [
        one
        for one in await scene.site.kube.list_all(BACKUP_SESSIONS, namespace)
        if one["spec"]["invoker"]["name"] == name and one["spec"].get("session") == session["name"]
    ]
    finished = [one for one in runs if phase_of(one) in {"Succeeded", "Failed", "Skipped"}]
    finished.sort(key=lambda one: (one["metadata"]["creationTimestamp"], int(one["metadata"]["resourceVersion"])))
    for one in finished[:-limit]:
        await scene.site.kube.delete(BACKUP_SESSIONS, *place_of(one))


async def _apply(scene: Scene, repository: Place, policy_place: Place) -> None:
    policy = await scene.site.kube.get(RETENTION_POLICIES, *policy_place)
    found = {one["metadata"]["name"]: one for one in await snapshots_of(scene, repository)}
    ended = [one for one in found.values() if phase_of(one) in {"Succeeded", "Failed"}]
    aged = [
        retention.Aged(
            name=one["metadata"]["name"],
            at=read_time(status_of(one).get("snapshotTime") or one["metadata"]["creationTimestamp"]),
            good=phase_of(one) == "Succeeded",
        )
        for one in ended
    ]
    for name in retention.surplus(aged, policy["spec"], now=datetime.now(UTC)):
        folder = snapshots.folder_of(scene, found[name])
        await scene.site.kube.delete(SNAPSHOTS, repository.namespace, name)
        if folder is not None:
            await folder.remove()
