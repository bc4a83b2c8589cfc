"""Snapshot: what one run left in one repository. Deleting it with policy WipeOut removes its files."""

import secrets
import time
from datetime import timedelta

from devcluster.operator.backup.bodies import Place, annotation, fitting_name, is_leaving, status_of
from devcluster.operator.backup.durations import write_duration, write_size
from devcluster.operator.backup.kinds import (
    CHECKSUM_ANNOTATION,
    CLEANUP_FINALIZER,
    FOLDER_ANNOTATION,
    REPOSITORIES,
    REPOSITORY_LABEL,
    SNAPSHOTS,
    TARGET_KIND_LABEL,
    TARGET_NAME_LABEL,
    TARGET_NAMESPACE_LABEL,
    VERSION_ANNOTATION,
)
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.targets import Target
from devcluster.operator.backup.vault import Folder
from devcluster.operator.kube import Body
from devcluster.operator.phases import timestamp

DRIVER = "Restic"
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


async def reconcile(scene: Scene, place: Place) -> float | None:
    """Take a deleted snapshot away, and keep its repository's count true."""
    body = await scene.find(SNAPSHOTS, place)
    if body is None:
        return None
    repository = str(body["spec"].get("repository", ""))
    if is_leaving(body):
        folder = folder_of(scene, body)
        if folder is not None and body["spec"].get("deletionPolicy") == "WipeOut":
            await folder.remove()
        await scene.release(SNAPSHOTS, body)
    scene.wake(REPOSITORIES, Place(place.namespace, repository))
    return None


def folder_of(scene: Scene, body: Body) -> Folder | None:
    """Give the files of a snapshot; None when it does not say where they are."""
    return scene.vault.recorded(annotation(body, FOLDER_ANNOTATION))


def build(
    *, session: Body, repository: Body, target: Target, folder: str, kind: str = "FullBackup", policy: str = ""
) -> Body:
    """Build the snapshot of a run; a run always gives the same name, so that a second attempt finds it."""
    name = fitting_name(repository["metadata"]["name"], session["metadata"]["name"])
    reference = target.reference
    labels = {
        REPOSITORY_LABEL: repository["metadata"]["name"],
        TARGET_KIND_LABEL: reference["kind"],
        TARGET_NAME_LABEL: reference["name"],
        TARGET_NAMESPACE_LABEL: reference["namespace"],
    }
    version = str(target.db.spec.get("version", ""))
    return {
        "metadata": {
            "name": name,
            "namespace": repository["metadata"]["namespace"],
            "labels": labels,
            "annotations": {VERSION_ANNOTATION: version, FOLDER_ANNOTATION: folder},
            "finalizers": [CLEANUP_FINALIZER],
        },
        "spec": {
            "appRef": reference,
            "backupSession": session["metadata"]["name"],
            "deletionPolicy": policy or repository["spec"].get("deletionPolicy", "Delete"),
            "repository": repository["metadata"]["name"],
            "session": session["spec"].get("session"),
            "snapshotID": _ulid(),
            "type": kind,
            "version": "v1",
        },
    }


def succeeded(folder: Folder, started_seconds: float) -> Body:
    """Build the status of a snapshot whose files are all there; `started_seconds` is of the monotonic clock."""
    duration = write_duration(timedelta(seconds=time.monotonic() - started_seconds))
    components = {
        part.name: {
            "driver": DRIVER,
            "phase": "Succeeded",
            "size": write_size(part.size_bytes),
            "duration": duration,
            "integrity": True,
            "path": part.file,
            "error": None,
        }
        for part in folder.parts()
    }
    now = timestamp()
    status: Body = {"phase": "Succeeded", "snapshotTime": now, "lastUpdateTime": now, "components": components}
    status |= {"size": write_size(folder.size_bytes()), "integrity": True, "verificationStatus": "NotVerified"}
    return {**status, "totalComponents": len(components)}


def failed(message: str, component: str = "dump") -> Body:
    """Build the status of a snapshot that could not be made."""
    now = timestamp()
    components = {component: {"driver": DRIVER, "phase": "Failed", "error": message}}
    return {
        "phase": "Failed",
        "snapshotTime": now,
        "lastUpdateTime": now,
        "components": components,
        "totalComponents": 1,
    }


def error_of(snapshot: Body) -> str:
    """Give what went wrong, empty when nothing did."""
    components = (status_of(snapshot).get("components") or {}).values()
    return "; ".join(str(one["error"]) for one in components if one.get("error"))


async def record(scene: Scene, snapshot: Body, folder: Folder, status: Body) -> Body:
    """Write the checksum and then the status: a snapshot that says Succeeded has its checksum."""
    place = Place(snapshot["metadata"]["namespace"], snapshot["metadata"]["name"])
    if status["phase"] == "Succeeded":
        annotations = {CHECKSUM_ANNOTATION: folder.checksum()}
        await scene.site.kube.patch(SNAPSHOTS, *place, {"metadata": {"annotations": annotations}})
    return await scene.site.kube.patch_status(SNAPSHOTS, *place, {"status": status})


def _ulid() -> str:
    """Make an identifier that sorts by time: 48 bits of milliseconds, 80 bits of chance."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(_BASE32[number >> shift & 31] for shift in range(125, -1, -5))
