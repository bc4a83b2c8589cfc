"""What stands in for a backup where no server runs: a small real file, so that sizes and checksums are real."""

import asyncio
import json

from devcluster.operator.backup.method import Job, Method, ToolError

WORK_SECONDS = 0.8


class Simulated(Method):
    """Works for every kind."""

    plural = ""

    async def back_up(self, job: Job) -> None:
        """Write down which database it was."""
        await asyncio.sleep(WORK_SECONDS)
        db = job.target.db
        described = {"kind": job.target.engine.kind, "uid": db.uid, "name": db.name, "spec": db.spec}
        async with job.folder.writing("dump") as sink:
            await sink.take(json.dumps(described).encode())

    async def back_up_files(self, job: Job) -> None:
        """Write the same file."""
        await self.back_up(job)

    async def restore(self, job: Job) -> None:
        """Read the file, and refuse one of another kind."""
        await asyncio.sleep(WORK_SECONDS)
        for part in job.folder.parts():
            with job.folder.open(part) as file:
                described = json.load(file)
            if described.get("kind", job.target.engine.kind) != job.target.engine.kind:
                raise ToolError(f"The backup is of kind {described['kind']}, not {job.target.engine.kind}.")


METHOD = Simulated()
