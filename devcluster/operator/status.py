"""Writes conditions and the phase that follows from them into a database's status.

Others write conditions too, so every write is guarded by the resourceVersion that was read, and repeated when stale.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from devcluster.operator.kube import Body, ConflictError, Kube
from devcluster.operator.phases import Condition, Phase, Type, phase_of, status_of, with_condition
from devcluster.operator.resources import Resource

logger = logging.getLogger(__name__)

ATTEMPTS = 5


@dataclass(kw_only=True)
class Status:
    """The status of one database, with the object as it was last seen."""

    kube: Kube
    resource: Resource
    body: Body

    @property
    def conditions(self) -> list[Condition]:
        """The conditions as last seen."""
        return list((self.body.get("status") or {}).get("conditions") or [])

    def has(self, kind: Type) -> bool:
        """Tell whether a condition is True."""
        return status_of(self.conditions, kind) is True

    async def set(self, values: dict[Type, bool]) -> None:
        """Set conditions in one write; those that say so already cost nothing."""

        def change(conditions: list[Condition]) -> list[Condition]:
            generation = int(self.body["metadata"].get("generation", 1))
            for kind, value in values.items():
                conditions = with_condition(conditions, kind, status=value, generation=generation)
            return conditions

        await self.change(change)

    async def change(self, change: Callable[[list[Condition]], list[Condition]]) -> None:
        """Apply a change to the conditions and write the status if it differs. Raises: ConflictError — still stale."""
        for attempt in range(ATTEMPTS):
            wanted = self._status(change(self.conditions))
            if all((self.body.get("status") or {}).get(key) == value for key, value in wanted.items()):
                return
            try:
                await self._write(wanted)
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                self.body = await self.kube.get(self.resource, *self._identity)
            else:
                return

    async def _write(self, wanted: Body) -> None:
        before = self.phase
        version = {"resourceVersion": self.body["metadata"]["resourceVersion"]}
        patch = {"metadata": version, "status": wanted}
        self.body = await self.kube.patch_status(self.resource, *self._identity, patch)
        if self.phase != before:
            logger.info("%s %s/%s: phase %s", self.resource.kind, *self._identity, self.phase or "empty")

    def _status(self, conditions: list[Condition]) -> Body:
        generation = int(self.body["metadata"].get("generation", 1))
        observed = [{**condition, "observedGeneration": generation} for condition in conditions]
        return {
            "conditions": observed,
            "phase": str(phase_of(conditions)),
            "observedGeneration": generation,
        }

    @property
    def phase(self) -> Phase:
        """The phase as last seen."""
        return Phase((self.body.get("status") or {}).get("phase", ""))

    @property
    def _identity(self) -> tuple[str, str]:
        return str(self.body["metadata"]["namespace"]), str(self.body["metadata"]["name"])
