"""Restart: every pod once, one after the other."""

from devcluster.operator.database import Database
from devcluster.operator.ops.change import Change
from devcluster.operator.ops.rollout import Rollout


class Restart(Change):
    """The type Restart."""

    type = "Restart"

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Restart all pods."""
        await rollout.restart(target)


CHANGE = Restart
