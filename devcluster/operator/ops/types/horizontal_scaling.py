"""HorizontalScaling: more or fewer members, with their data. What a number means is known by the engine."""

import copy

from devcluster.operator.database import Database
from devcluster.operator.ops.change import Change, with_spec
from devcluster.operator.ops.rollout import Rollout


class HorizontalScaling(Change):
    """The type HorizontalScaling."""

    type = "HorizontalScaling"

    async def target(self, rollout: Rollout) -> Database:
        """Write the wanted members into the spec."""
        spec = copy.deepcopy(rollout.db.spec)
        rollout.engine.scale(spec, rollout.request.block("horizontalScaling"))
        return with_spec(rollout.db, rollout.engine.defaults(with_spec(rollout.db, spec)))

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Start new members, or let members go."""
        workload, states = await rollout.prepare(target)
        await rollout.complete(workload, states)
        await rollout.progress.note("HorizontalScale", "All members are in place")


CHANGE = HorizontalScaling
