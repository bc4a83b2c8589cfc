"""Brings the servers of a database to another spec, pod by pod, for one request; or back to the spec that it had.

What the other spec is, and which pods have to be restarted for it, is said in `types/`. Each step is written into the
request's conditions, which are all that a restarted operator knows.
"""

import asyncio
import contextlib
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from devcluster.operator import pods
from devcluster.operator.database import ROLE_LABEL, Database, selector_text
from devcluster.operator.deletion import remove_claim
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.health import assess
from devcluster.operator.layout import PRIMARY, PodShape
from devcluster.operator.ops.request import Progress, Request
from devcluster.operator.pods import PodStates
from devcluster.operator.processes import PodKey, ServerError
from devcluster.operator.resources import CLAIMS, PODS
from devcluster.operator.status import Status
from devcluster.operator.workloads import Workloads

EVICT, CHECK_READY = "EvictPod", "CheckPodReady"
ROLL_BACK, ROLL_BACK_POD = "RollBack", "RollBackPod"
HEALTHY_SECONDS = 45.0
POLL_SECONDS = 0.2


@dataclass(kw_only=True)
class Rollout:
    """The change of one database for one request."""

    workloads: Workloads
    engine: Engine
    db: Database
    """As it was read before the change: on failure the servers come back to it."""
    request: Request
    progress: Progress
    status: Status
    rolling_back: bool = field(default=False, init=False)

    async def prepare(self, target: Database) -> tuple[Workload, PodStates]:
        """Bring the objects to the target and give what is needed to change the pods."""
        workload, states = await self.workloads.prepare(self.engine, target)
        if not self.rolling_back:
            await self.progress.note("UpdatePetSets", "Successfully updated the PetSets")
        return workload, states

    async def restart(self, target: Database, names: Collection[str] | None = None) -> None:
        """Restart the named pods, or all, one after the other with the target's settings. Raises: ServerError."""
        workload, states = await self.prepare(target)
        chosen = [pod for pod in workload.layout.pods if names is None or pod.name in names]
        chosen = await self.engine.restart_order(workload, _standbys_first(chosen, states))
        if not self.rolling_back:
            await self._announce(chosen)
        async with self._turn(target):
            for position, pod in enumerate(chosen, start=1):
                await self._restart(workload, pod, states)
                await self._tell(CHECK_READY, pod.name, f"Pod {pod.name} is ready ({position} of {len(chosen)})")
            await self.complete(workload, states)
        if not self.rolling_back:
            await self.progress.note("RestartNodes", "Successfully restarted all nodes")

    async def complete(self, workload: Workload, states: PodStates) -> None:
        """Start what is missing, remove what is too much, join it and wait until all is well. Raises: ServerError."""
        for pod in workload.layout.pods:
            if pod.name not in states.bodies or not states.ready(pod.name):
                await self._start_missing(workload, pod, states)
        if self.engine.running_version(workload.db) is not None:
            await self.engine.refresh(workload)
        await self._remove_surplus(workload, states)
        if self.engine.running_version(workload.db) is not None:
            await self.engine.join(workload)
        await self._until_healthy(workload, states)

    async def _start_missing(self, workload: Workload, pod: PodShape, states: PodStates) -> None:
        if not self.rolling_back:
            await self.progress.note(f"{CHECK_READY}--{pod.name}", f"Pod {pod.name} is starting", status=False)
        await pods.start(self.workloads.site, self.engine, workload, pod, states)
        await self._tell(CHECK_READY, pod.name, f"Pod {pod.name} is ready")

    async def roll_back(self) -> None:
        """Bring the servers back to what they were before the request. Raises: ServerError."""
        self.rolling_back = True
        evicted = {one["type"].partition("--")[2] for one in self.progress.conditions if one["type"].startswith(EVICT)}
        await self.restart(self.db, evicted)

    def _turn(self, target: Database) -> contextlib.AbstractAsyncContextManager[object]:
        """Only real servers cost something to start."""
        return self.workloads.starting if self.engine.running_version(target) else contextlib.nullcontext()

    async def _announce(self, chosen: Collection[PodShape]) -> None:
        """Say beforehand which pods there are to restart, so that whoever looks can tell how far it is."""
        waiting = {f"{CHECK_READY}--{pod.name}": pod for pod in chosen}
        changes = {
            kind: (False, CHECK_READY, f"Pod {pod.name} waits to be restarted")
            for kind, pod in waiting.items()
            if self.progress.condition(kind) is None
        }
        await self.progress.write(changes)

    async def _restart(self, workload: Workload, pod: PodShape, states: PodStates) -> None:
        site = self.workloads.site
        step = ROLL_BACK_POD if self.rolling_back else EVICT
        if not self.progress.has(f"{step}--{pod.name}"):
            if self.engine.has_server(workload.db, pod):
                await self.engine.before_restart(workload, pod)
            # The server may belong to an attempt that failed: then it has no pod any more.
            await site.processes.stop(PodKey(workload.db.namespace, pod.name), grace_seconds=pods.STOP_SECONDS)
            await site.kube.delete(PODS, workload.db.namespace, pod.name)
            states.bodies.pop(pod.name, None)
            await self._tell(step, pod.name, f"Pod {pod.name} is evicted")
            await self._report_health(workload, states)
        await pods.start(site, self.engine, workload, pod, states)

    async def _tell(self, step: str, pod: str, message: str) -> None:
        if not (self.rolling_back and step == CHECK_READY):
            await self.progress.note(f"{step}--{pod}", message)

    async def _remove_surplus(self, workload: Workload, states: PodStates) -> None:
        """A pod may be gone with its PetSet already while its server still runs; its claim is of no use any more."""
        db, site = workload.db, self.workloads.site
        wanted = {pod.name for pod in workload.layout.pods}
        owned = {key.pod for key in site.processes.owned_by(workload.owner)}
        surplus = sorted((set(states.bodies) | owned) - wanted, reverse=True)
        if surplus and self.engine.running_version(db) is not None:
            await self.engine.release(workload, surplus)
        for name in surplus:
            await pods.remove(site, db, name)
            site.processes.forget(PodKey(db.namespace, name))
            states.bodies.pop(name, None)
            await self._tell("RemovePod", name, f"Pod {name} is removed")
        claims = {pod.claim_name for pod in workload.layout.pods}
        for claim in await site.kube.list_all(CLAIMS, db.namespace, selector_text(db.selector)):
            if claim["metadata"]["name"] not in claims:
                await remove_claim(site, claim)

    async def _report_health(self, workload: Workload, states: PodStates) -> None:
        if self.engine.running_version(workload.db) is not None:
            labels = {pod.name: dict(pod.labels) for pod in workload.layout.pods} | states.labels()
            await self.status.set((await assess(self.engine, workload, labels)).conditions)

    async def _until_healthy(self, workload: Workload, states: PodStates) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while True:
            health, _ = await self.workloads.settle(self.engine, workload, states)
            if health.complete:
                await self.status.set(health.conditions)
                return
            if time.monotonic() > deadline:
                down = [name for name, healthy in health.pods.items() if not healthy]
                raise ServerError(f"Not all is well {HEALTHY_SECONDS:.0f} s after the change: {down or 'no primary'}.")
            await asyncio.sleep(POLL_SECONDS)


def _standbys_first(chosen: Collection[PodShape], states: PodStates) -> list[PodShape]:
    """A primary goes last, so that clients lose their connections once."""
    labels = states.labels()

    def is_primary(pod: PodShape) -> bool:
        return labels.get(pod.name, pod.labels).get(ROLE_LABEL) == PRIMARY

    return sorted(chosen, key=is_primary)
