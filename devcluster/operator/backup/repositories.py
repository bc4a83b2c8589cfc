"""Repository: the snapshots of one database in one storage. Its status is counted from the snapshots, never kept apart."""

from devcluster.operator.backup.bodies import (
    Place,
    is_leaving,
    owner_reference,
    phase_of,
    place_of,
    referred,
    status_of,
)
from devcluster.operator.backup.durations import write_size
from devcluster.operator.backup.kinds import REPOSITORIES, REPOSITORY_LABEL, SNAPSHOTS, STORAGES
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.storages import directory_of
from devcluster.operator.kube import Body, ConflictError

RECENT = 5
LOOK_AGAIN_SECONDS = 0.3


async def reconcile(scene: Scene, place: Place) -> float | None:
    """Count the snapshots, or take a deleted repository away as its policy says."""
    body = await scene.find(REPOSITORIES, place)
    if body is None:
        return None
    if is_leaving(body):
        return await _remove(scene, body)
    body = await scene.hold(REPOSITORIES, body)
    await write_status(scene, body)
    return None


async def write_status(scene: Scene, body: Body) -> None:
    """Write what the repository holds."""
    snapshots = await snapshots_of(scene, place_of(body))
    good = [one for one in snapshots if phase_of(one) == "Succeeded"]
    storage_place = referred(body["spec"].get("storageRef"), body["metadata"]["namespace"])
    storage = await scene.find(STORAGES, storage_place)
    status: Body = {"phase": "Ready" if phase_of(storage) == "Ready" else "NotReady", "snapshotCount": len(snapshots)}
    status["recentSnapshots"] = [_described(one) for one in reversed(snapshots[-RECENT:])]
    status["integrity"] = all(status_of(one).get("integrity", True) for one in good)
    if good:
        status["lastBackupTime"] = status_of(good[-1]).get("snapshotTime")
    path = str(body["spec"].get("path", ""))
    size_bytes = scene.vault.size_bytes(directory_of(scene, storage, path)) if storage is not None else 0
    status["size"] = write_size(size_bytes)
    status["componentPaths"] = sorted({name for one in good for name in status_of(one).get("components") or {}})
    await scene.write_status(REPOSITORIES, body, status)
    if storage_place is not None:
        scene.wake(STORAGES, storage_place)


async def ensure(scene: Scene, configuration: Body, wanted: Body, storage: Place) -> Body:
    """Make the repository that a session of a BackupConfiguration names, and give it."""
    namespace, spec = configuration["metadata"]["namespace"], configuration["spec"]
    policy = wanted.get("deletionPolicy") or "Delete"
    described: Body = {
        "appRef": {"namespace": namespace, **spec["target"]},
        "storageRef": storage._asdict(),
        "path": str(wanted.get("directory", "")),
        "deletionPolicy": "WipeOut" if policy == "WipeOut" else "Delete",
        "paused": bool(spec.get("paused", False)),
    }
    if wanted.get("encryptionSecret"):
        described["encryptionSecret"] = wanted["encryptionSecret"]
    found = await scene.find(REPOSITORIES, Place(namespace, wanted["name"]))
    if found is None:
        meta: Body = {"name": wanted["name"], "namespace": namespace}
        found = await scene.site.kube.create(REPOSITORIES, {"metadata": meta, "spec": described})
    changed = {key: described[key] for key in ("deletionPolicy", "paused") if found["spec"].get(key) != described[key]}
    if changed and not is_leaving(found):
        found = await scene.site.kube.patch(REPOSITORIES, *place_of(found), {"spec": changed})
    return found


async def snapshots_of(scene: Scene, place: Place) -> list[Body]:
    """Give the snapshots of a repository, the oldest first."""
    found = await scene.site.kube.list_all(SNAPSHOTS, place.namespace, f"{REPOSITORY_LABEL}={place.name}")
    return sorted(found, key=lambda one: (_time(one), one["metadata"]["name"]))


async def add_snapshot(scene: Scene, repository: Body, snapshot: Body) -> Body:
    """Create a snapshot in a repository, unless an earlier attempt did."""
    snapshot["metadata"]["ownerReferences"] = [owner_reference(REPOSITORIES, repository)]
    try:
        return await scene.site.kube.create(SNAPSHOTS, snapshot)
    except ConflictError:
        return await scene.site.kube.get(SNAPSHOTS, *place_of(snapshot))


async def _remove(scene: Scene, body: Body) -> float | None:
    """The snapshots go first; their own policies say what becomes of their files, unless everything is wiped out."""
    snapshots = await snapshots_of(scene, place_of(body))
    for snapshot in snapshots:
        await scene.site.kube.delete(SNAPSHOTS, *place_of(snapshot))
    if snapshots:
        return LOOK_AGAIN_SECONDS
    storage = await scene.find(STORAGES, referred(body["spec"].get("storageRef"), body["metadata"]["namespace"]))
    if storage is not None and body["spec"].get("deletionPolicy") == "WipeOut":
        await scene.vault.remove(directory_of(scene, storage, str(body["spec"].get("path", ""))))
    await scene.release(REPOSITORIES, body)
    if storage is not None:
        scene.wake(STORAGES, place_of(storage))
    return None


def _described(snapshot: Body) -> Body:
    status = status_of(snapshot)
    described = {"name": snapshot["metadata"]["name"], "session": snapshot["spec"].get("session")}
    described |= {key: status.get(key) for key in ("phase", "size", "snapshotTime")}
    return {key: value for key, value in described.items() if value}


def _time(snapshot: Body) -> str:
    return str(status_of(snapshot).get("snapshotTime") or snapshot["metadata"]["creationTimestamp"])
