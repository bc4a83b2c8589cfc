"""Plays the kubelet for a database's pods: volume claim, pod, server, and the status that tells how it goes.

How a server is started is the engine's business; when a pod is due is decided in `provisioner.py`.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.operator import objects
from devcluster.operator.apply import ensure_created
from devcluster.operator.database import Database, selector_text
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.kube import Body
from devcluster.operator.layout import Layout, PodShape
from devcluster.operator.processes import PodKey
from devcluster.operator.resources import CLAIMS, PET_SETS, PODS
from devcluster.operator.site import Site

STOP_SECONDS = 8.0


@dataclass(kw_only=True)
class PodStates:
    """What is known of the pods of one database after a look at them, by pod name."""

    bodies: dict[str, Body] = field(default_factory=dict)

    def ready(self, name: str) -> bool:
        """Tell whether the pod's status says ready."""
        conditions = (self.bodies.get(name, {}).get("status") or {}).get("conditions") or []
        return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)

    def restarts(self, name: str) -> int:
        """Tell how often the pod's server was started again."""
        containers = (self.bodies.get(name, {}).get("status") or {}).get("containerStatuses") or []
        return max((int(one.get("restartCount", 0)) for one in containers), default=0)

    def labels(self) -> dict[str, dict[str, str]]:
        """Give the labels of each pod."""
        return {name: dict(body["metadata"].get("labels") or {}) for name, body in self.bodies.items()}

    def address(self, name: str) -> str:
        """Give where the pod's server listens; empty for none."""
        annotations = self.bodies.get(name, {}).get("metadata", {}).get("annotations") or {}
        return str(annotations.get(objects.ADDRESS_ANNOTATION, ""))


async def look(site: Site, db: Database) -> PodStates:
    """Read the pods of a database."""
    bodies = await site.kube.list_all(PODS, db.namespace, selector_text(db.selector))
    return PodStates(bodies={body["metadata"]["name"]: body for body in bodies})


async def open_volume(site: Site, engine: Engine, db: Database, pod: PodShape) -> Path | None:
    """Make and bind the pod's claim, if it has one, and give the folder of its volume if a server uses it."""
    real = engine.has_server(db, pod)
    if pod.group.storage is None:
        return site.volumes.for_pod(db.namespace, pod.name) if real else None
    claim, _ = await ensure_created(site.kube, CLAIMS, objects.claim(db, pod))
    if (claim.get("status") or {}).get("phase") != "Bound":
        bound = {"status": objects.bound_claim_status(claim)}
        await site.kube.patch_status(CLAIMS, db.namespace, pod.claim_name, bound)
    return site.volumes.for_claim(db.namespace, pod.claim_name, claim["metadata"]["uid"]) if real else None


async def start(site: Site, engine: Engine, workload: Workload, pod: PodShape, states: PodStates) -> None:
    """Make the pod, let its server run and write where it listens. Raises: ServerError."""
    db, real = workload.db, engine.has_server(workload.db, pod)
    if pod.name not in states.bodies:
        await _make(site, db, pod, states, simulated=not real)
    if real:
        address = await engine.start_pod(workload, pod)
        if states.address(pod.name) != address:
            annotations = {"metadata": {"annotations": {objects.ADDRESS_ANNOTATION: address}}}
            states.bodies[pod.name] = await site.kube.patch(PODS, db.namespace, pod.name, annotations)
    elif not states.ready(pod.name):
        await asyncio.sleep(engine.simulated_start_seconds / len(workload.layout.pods))
    if not states.ready(pod.name):
        await report(site, db, pod.name, states, ready=True)


async def _make(site: Site, db: Database, pod: PodShape, states: PodStates, *, simulated: bool) -> None:
    # The pod comes before its server, so a server without a pod is one whose pod was deleted.
    await site.processes.stop(PodKey(db.namespace, pod.name), grace_seconds=STOP_SECONDS)
    pet_set = await site.kube.get(PET_SETS, db.namespace, pod.group.name)
    wanted = objects.pod(db, pod, pet_set["metadata"]["uid"], simulated=simulated)
    states.bodies[pod.name], _ = await ensure_created(site.kube, PODS, wanted)


async def report(site: Site, db: Database, name: str, states: PodStates, *, ready: bool) -> None:
    """Write into the pod's status whether its server runs; going down counts as a restart to come."""
    restarts = states.restarts(name) + (0 if ready else 1)
    status = objects.pod_status(states.bodies[name], ready=ready, restarts=restarts)
    states.bodies[name] = await site.kube.patch_status(PODS, db.namespace, name, {"status": status})


async def report_groups(site: Site, db: Database, layout: Layout, states: PodStates) -> None:
    """Write into the PetSets how many of their pods are ready."""
    bodies = await site.kube.list_all(PET_SETS, db.namespace, selector_text(db.selector))
    for group in layout.groups:
        body = next((one for one in bodies if one["metadata"]["name"] == group.name), None)
        ready = sum(states.ready(pod.name) for pod in group.pods)
        status = {"replicas": group.replicas, "currentReplicas": group.replicas, "readyReplicas": ready}
        if body is not None and not status.items() <= (body.get("status") or {}).items():
            await site.kube.patch_status(PET_SETS, db.namespace, group.name, {"status": status})


async def remove(site: Site, db: Database, name: str) -> None:
    """Stop the pod's server and delete the pod; its claim stays."""
    await site.processes.stop(PodKey(db.namespace, name), grace_seconds=STOP_SECONDS)
    await site.kube.delete(PODS, db.namespace, name)
    await site.volumes.remove_pod(db.namespace, name)
