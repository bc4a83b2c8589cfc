"""Watches KubeStash's objects and decides when each is looked at; what is done then is in the file of its kind."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from devcluster.operator.backup import configurations, recovery, repositories, snapshots, storages
from devcluster.operator.backup.archivers import Archivers
from devcluster.operator.backup.bodies import Place, is_leaving, phase_of, place_of, referred
from devcluster.operator.backup.kinds import (
    ARCHIVERS,
    BACKUP_SESSIONS,
    CONFIGURATIONS,
    REPOSITORIES,
    RESTORE_SESSIONS,
    SNAPSHOTS,
    STORAGES,
)
from devcluster.operator.backup.method import load_methods
from devcluster.operator.backup.restores import Restores
from devcluster.operator.backup.scene import Scene
from devcluster.operator.backup.sessions import Sessions
from devcluster.operator.backup.vault import Vault
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.kube import Body
from devcluster.operator.queue import WorkQueue
from devcluster.operator.resources import Resource
from devcluster.operator.site import Key, Site

Reconcile = Callable[[Place], Awaitable[float | None]]


class Coordinator:
    """KubeStash's part of the running operator."""

    def __init__(
        self,
        site: Site,
        engines: Mapping[str, Engine],
        wake_database: Callable[[Key], None],
        expected: tuple[type[Exception], ...],
    ) -> None:
        """`wake_database` makes the provisioner look at a database; `expected` are failures outside of us."""
        scene = Scene(
            site=site,
            engines=engines,
            methods=load_methods(),
            vault=Vault(site.root),
            wake_database=wake_database,
            wake=self.wake,
        )
        self._restores = Restores(scene)
        work: dict[Resource, Reconcile] = {
            STORAGES: lambda place: storages.reconcile(scene, place),
            REPOSITORIES: lambda place: repositories.reconcile(scene, place),
            SNAPSHOTS: lambda place: snapshots.reconcile(scene, place),
            CONFIGURATIONS: lambda place: configurations.reconcile(scene, place),
            BACKUP_SESSIONS: Sessions(scene).reconcile,
            RESTORE_SESSIONS: self._restores.reconcile,
        }
        self._scene = scene
        self._engines = {key: one for key, one in engines.items() if one.kind in ARCHIVERS}
        self._archived: WorkQueue[Key] = WorkQueue(Archivers(scene).reconcile, expected=expected)
        self._site = site
        self._queues = {resource: WorkQueue(one, expected=expected) for resource, one in work.items()}
        self._seen: dict[tuple[Resource, Place], object] = {}

    def watchers(self) -> list[Coroutine[Any, Any, None]]:
        """Give what has to run as long as the operator does."""
        mine = [self._watch(resource) for resource in self._queues]
        return [*mine, *(self._watch_archived(engine) for engine in self._engines.values())]

    async def fill(self, engine: Engine, workload: Workload) -> None:
        """Fill a new database from an archive if it asks for it. Raises: NotYetError."""
        await recovery.fill(self._scene, engine, workload)

    def wake(self, resource: Resource, place: Place) -> None:
        """Look at an object again."""
        self._queues[resource].add(place)

    async def close(self) -> None:
        """Stop all work and wait for it to end."""
        await asyncio.gather(self._archived.close(), *(queue.close() for queue in self._queues.values()))

    async def _watch(self, resource: Resource) -> None:
        async for change in self._site.kube.watch(resource):
            place = place_of(change.body)
            if resource is RESTORE_SESSIONS and is_leaving(change.body):
                self._restores.interrupt(place)
            known = None if change.kind == "DELETED" else _what_matters(resource, change.body)
            if known is None or self._seen.get((resource, place)) != known:
                self.wake(resource, place)
                self._wake_others(resource, change.body)
            if known is None:
                self._seen.pop((resource, place), None)
            else:
                self._seen[resource, place] = known

    async def _watch_archived(self, engine: Engine) -> None:
        """Look at the databases that join an archiver, and at all of them when an archiver changes."""
        async for change in self._site.kube.watch(engine.resource):
            if change.body["spec"].get("archiver"):
                self._archived.add((engine.plural, *place_of(change.body)))

    def _wake_others(self, resource: Resource, body: Body) -> None:
        """A snapshot counts in its repository, and a repository in its storage."""
        namespace = str(body["metadata"]["namespace"])
        if resource is SNAPSHOTS:
            self.wake(REPOSITORIES, Place(namespace, str(body["spec"].get("repository", ""))))
        if resource is REPOSITORIES:
            storage = referred(body["spec"].get("storageRef"), namespace)
            if storage is not None:
                self.wake(STORAGES, storage)


def _what_matters(resource: Resource, body: Body) -> object:
    """What of an object leads to work; our own writes of its status do not, but for the phases of snapshots."""
    meta = body["metadata"]
    kept = (meta.get("generation"), meta.get("deletionTimestamp"), meta["uid"])
    return (*kept, phase_of(body)) if resource is SNAPSHOTS else kept
