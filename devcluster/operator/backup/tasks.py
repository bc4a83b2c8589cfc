"""What an addon's tasks do, by their names: the engine's own method for the rows, and a file for the manifest."""

import json

from devcluster.operator.backup.method import Job, ToolError
from devcluster.operator.backup.scene import Scene

ROWS = ("logical-backup", "dashboard-backup")
RESTORES = ("logical-backup-restore", "physical-backup-restore", "dashboard-restore", "manifest-restore")


async def back_up(scene: Scene, task: str, job: Job) -> None:
    """Run a backup task. Raises: ToolError, ServerError, OSError."""
    if task in ROWS:
        await scene.method(job.target).back_up(job)
    elif task == "physical-backup":
        await scene.method(job.target).back_up_files(job)
    elif task == "manifest-backup":
        await _write_manifest(job)
    else:
        raise ToolError(f"Task {task} is not played here.")


async def restore(scene: Scene, task: str, job: Job) -> None:
    """Run a restore task. Raises: ToolError, ServerError, OSError."""
    if task not in RESTORES:
        raise ToolError(f"Task {task} is not played here.")
    if task != "manifest-restore":
        await scene.method(job.target).restore(job)


async def _write_manifest(job: Job) -> None:
    db = job.target.db
    meta = {key: db.body["metadata"].get(key) for key in ("name", "namespace", "labels", "annotations")}
    async with job.folder.writing("manifest") as sink:
        await sink.take(json.dumps({"kind": job.target.engine.kind, "metadata": meta, "spec": db.spec}).encode())
