"""Keeps backups and changes of a database apart: one waits for the other, and schedules are paused meanwhile.

It reads and writes KubeStash's objects only; a cluster without KubeStash has none of them.
"""

from devcluster.operator.database import Database
from devcluster.operator.kube import Body, Kube, NotFoundError
from devcluster.operator.resources import Resource

STASH_API = "core.kubestash.com/v1alpha1"
CONFIGURATIONS = Resource(api_version=STASH_API, kind="BackupConfiguration", plural="backupconfigurations")
SESSIONS = Resource(api_version=STASH_API, kind="BackupSession", plural="backupsessions")
RESTORES = Resource(api_version=STASH_API, kind="RestoreSession", plural="restoresessions")
BUSY = ("Pending", "Running")


async def busy_session(kube: Kube, db: Database) -> str:
    """Name a backup or restore of the database that is going on; empty when there is none."""
    sessions = await _listed(kube, SESSIONS, db.namespace)
    invokers = {body["metadata"]["name"] for body in await _configurations(kube, db)}
    for body in sessions:
        invoker = body["spec"].get("invoker") or {}
        if (
            _is_busy(body)
            and invoker.get("kind", CONFIGURATIONS.kind) == CONFIGURATIONS.kind
            and invoker.get("name") in invokers
        ):
            return f"{SESSIONS.kind} {body['metadata']['name']}"
    for body in await _listed(kube, RESTORES, db.namespace):
        if _is_busy(body) and _targets(body, db):
            return f"{RESTORES.kind} {body['metadata']['name']}"
    return ""


async def pause(kube: Kube, references: list[Body]) -> None:
    """Stop the schedules that were named."""
    for one in references:
        await _set_paused(kube, one["namespace"], one["name"], paused=True)


async def resume(kube: Kube, references: list[Body]) -> None:
    """Let the schedules go on that were paused for a request."""
    for one in references:
        await _set_paused(kube, one["namespace"], one["name"], paused=False)


async def to_pause(kube: Kube, db: Database) -> list[Body]:
    """Name the schedules of the database that are not paused."""
    return [reference(body) for body in await _configurations(kube, db) if not body["spec"].get("paused")]


def reference(body: Body) -> Body:
    """Build the entry of `status.pausedBackups`."""
    names = {key: body["metadata"][key] for key in ("namespace", "name")}
    return {"apiGroup": STASH_API.partition("/")[0], "kind": CONFIGURATIONS.kind, **names}


async def _set_paused(kube: Kube, namespace: str, name: str, *, paused: bool) -> None:
    try:
        await kube.patch(CONFIGURATIONS, namespace, name, {"spec": {"paused": paused}})
    except NotFoundError:
        return


async def _configurations(kube: Kube, db: Database) -> list[Body]:
    return [body for body in await _listed(kube, CONFIGURATIONS, db.namespace) if _targets(body, db)]


async def _listed(kube: Kube, resource: Resource, namespace: str) -> list[Body]:
    try:
        return await kube.list_all(resource, namespace)
    except NotFoundError:
        return []


def _targets(body: Body, db: Database) -> bool:
    target = body["spec"].get("target") or {}
    namespace = target.get("namespace") or body["metadata"]["namespace"]
    return (target.get("kind"), namespace, target.get("name")) == (db.resource.kind, db.namespace, db.name)


def _is_busy(body: Body) -> bool:
    return ((body.get("status") or {}).get("phase") or "Pending") in BUSY
