"""What the files of this folder share: the operator's site, the engines, the files of the backups, and small writes.

Only a bundle of collaborators, made once in `coordinator.py`; it decides nothing.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from devcluster.operator.backup.bodies import Place, place_of, status_of
from devcluster.operator.backup.kinds import CLEANUP_FINALIZER
from devcluster.operator.backup.method import Method
from devcluster.operator.backup.methods.simulated import METHOD as SIMULATED
from devcluster.operator.backup.targets import Target
from devcluster.operator.backup.vault import Vault
from devcluster.operator.engine import Engine
from devcluster.operator.kube import Body
from devcluster.operator.resources import Resource
from devcluster.operator.site import Key, Site


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The collaborators of every part."""

    site: Site
    engines: Mapping[str, Engine]
    methods: Mapping[str, Method]
    vault: Vault
    wake_database: Callable[[Key], None]
    wake: Callable[[Resource, Place], None]
    """Lets an object of one of our kinds be looked at again."""

    @property
    def executor(self) -> str:
        """Who we are: an operator is its data folder."""
        return executor_of(self.site.root)

    def method(self, target: Target) -> Method:
        """Give how a database is backed up."""
        return SIMULATED if target.is_simulated else self.methods.get(target.engine.plural, SIMULATED)

    async def find(self, resource: Resource, place: Place | None) -> Body | None:
        """Read an object; None when there is none, or nothing was referred to."""
        return await self.site.kube.find(resource, *place) if place is not None else None

    async def write_status(self, resource: Resource, body: Body, wanted: Body) -> Body:
        """Merge into an object's status what differs, and give the object as it is then."""
        present = status_of(body)
        patch = {key: value for key, value in wanted.items() if present.get(key) != value}
        if not patch:
            return body
        return await self.site.kube.patch_status(resource, *place_of(body), {"status": patch})

    async def hold(self, resource: Resource, body: Body) -> Body:
        """Make sure that the object does not go before we have cleaned up."""
        finalizers = body["metadata"].get("finalizers") or []
        if CLEANUP_FINALIZER in finalizers:
            return body
        meta = {"finalizers": [*finalizers, CLEANUP_FINALIZER], "resourceVersion": body["metadata"]["resourceVersion"]}
        return await self.site.kube.patch(resource, *place_of(body), {"metadata": meta})

    async def release(self, resource: Resource, body: Body) -> None:
        """Let a deleted object go."""
        finalizers = body["metadata"].get("finalizers") or []
        if CLEANUP_FINALIZER not in finalizers:
            return
        kept = [one for one in finalizers if one != CLEANUP_FINALIZER]
        meta = {"finalizers": kept, "resourceVersion": body["metadata"]["resourceVersion"]}
        await self.site.kube.patch(resource, *place_of(body), {"metadata": meta})


def executor_of(root: Path) -> str:
    """Name an operator after its data folder."""
    return hashlib.sha256(str(root).encode()).hexdigest()[:16]
