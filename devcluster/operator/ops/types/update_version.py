"""UpdateVersion: another version of the engine; a real server moves its data when it starts with another major."""

import copy
from dataclasses import replace

from devcluster.operator.database import Database
from devcluster.operator.ops.change import Change, with_spec
from devcluster.operator.ops.request import RequestFailedError
from devcluster.operator.ops.rollout import Rollout


class UpdateVersion(Change):
    """The type UpdateVersion."""

    type = "UpdateVersion"

    async def target(self, rollout: Rollout) -> Database:
        """Write the version, and read what the catalogue says about it."""
        name = str(rollout.request.block("updateVersion").get("targetVersion", ""))
        engine, kube = rollout.engine, rollout.workloads.site.kube
        version = await kube.find(engine.versions, "", name) if name else None
        if version is None:
            raise RequestFailedError(f"{engine.versions.kind} {name or '(none)'} is not found")
        spec = copy.deepcopy(rollout.db.spec)
        spec["version"] = name
        target = replace(with_spec(rollout.db, spec), version=version)
        if (engine.running_version(target) is None) != (engine.running_version(rollout.db) is None):
            raise RequestFailedError(
                f"No installed server can take the data from {rollout.db.spec['version']} to {name}"
            )
        return with_spec(target, engine.defaults(target))

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Restart all pods with the other version."""
        await rollout.restart(target)
        await rollout.progress.note("UpdateVersion", f"All pods run version {target.spec['version']}")


CHANGE = UpdateVersion
