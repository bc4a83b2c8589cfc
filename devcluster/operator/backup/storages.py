"""BackupStorage: where backups go. Only the provider `local` is played, in a folder of the operator's own.

Whatever path a storage names, nothing outside of the operator's data folder is touched.
"""

from devcluster.operator.backup.bodies import Place, is_leaving, place_of, referred, with_condition
from devcluster.operator.backup.durations import write_size
from devcluster.operator.backup.kinds import NAMESPACES, REPOSITORIES, STORAGES
from devcluster.operator.backup.scene import Scene
from devcluster.operator.database import selector_text
from devcluster.operator.kube import Body

RECHECK_SECONDS = 30.0


async def reconcile(scene: Scene, place: Place) -> float | None:
    """Say whether the storage can be used, and what is in it."""
    body = await scene.find(STORAGES, place)
    if body is None:
        return None
    if is_leaving(body):
        if (body["spec"].get("deletionPolicy") or "Delete") == "WipeOut":
            await scene.vault.remove(scene.vault.directory(*place))
        await scene.release(STORAGES, body)
        return None
    body = await scene.hold(STORAGES, body)
    storage = body["spec"].get("storage") or {}
    provider = str(storage.get("provider", ""))
    usable = provider == "local"
    reason = "BackendInitializationSucceeded" if usable else "BackendInitializationFailed"
    message = "The backend is initialized." if usable else f"Provider {provider!r} is not played here; use local."
    repositories = await _repositories(scene, body) if usable else []
    conditions = with_condition(
        (body.get("status") or {}).get("conditions"), "BackendInitialized", holds=usable, reason=reason, message=message
    )
    listed = [one for one, _ in repositories]
    status: Body = {"phase": "Ready" if usable else "NotReady", "conditions": conditions, "repositories": listed}
    status["totalSize"] = write_size(sum(size for _, size in repositories))
    await scene.write_status(STORAGES, body, status)
    return None if usable else RECHECK_SECONDS


async def _repositories(scene: Scene, storage: Body) -> list[tuple[Body, int]]:
    found, place = [], place_of(storage)
    for one in await scene.site.kube.list_all(REPOSITORIES):
        if referred(one["spec"].get("storageRef"), one["metadata"]["namespace"]) == place:
            size = scene.vault.size_bytes(directory_of(scene, storage, str(one["spec"].get("path", ""))))
            described = {"name": one["metadata"]["name"], "namespace": one["metadata"]["namespace"]}
            described |= {"path": one["spec"].get("path", ""), "size": write_size(size)}
            found.append(({**described, "synced": True}, size))
    return sorted(found, key=lambda pair: (pair[0]["namespace"], pair[0]["name"]))


def directory_of(scene: Scene, storage: Body, path: str) -> str:
    """Give the folder of a repository that has this path in a storage."""
    meta, local = storage["metadata"], (storage["spec"].get("storage") or {}).get("local") or {}
    return scene.vault.directory(meta["namespace"], meta["name"], str(local.get("subPath") or ""), path)


async def allows(scene: Scene, policy: Body | None, owner_namespace: str, namespace: str) -> bool:
    """Tell whether a usage policy lets a namespace in."""
    allowed = (policy or {}).get("allowedNamespaces") or {}
    wanted = allowed.get("from", "Same")
    if wanted == "All" or owner_namespace == namespace:
        return True
    if wanted != "Selector":
        return False
    labels = (allowed.get("selector") or {}).get("matchLabels") or {}
    found = await scene.site.kube.list_all(NAMESPACES, "", selector_text(labels))
    return any(one["metadata"]["name"] == namespace for one in found)
