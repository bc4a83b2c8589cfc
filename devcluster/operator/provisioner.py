"""Plays KubeDB's provisioner: brings one database from what is to what its spec says, however far an earlier run got.

It runs for one database at a time and any number of times; `controller.py` decides when.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from devcluster.operator import deletion, pods
from devcluster.operator.apply import ForeignObjectError
from devcluster.operator.database import FINALIZER, ROLE_LABEL, Database
from devcluster.operator.engine import Engine, Workload
from devcluster.operator.health import Health, assess
from devcluster.operator.initial import awaits_restore
from devcluster.operator.kube import Body
from devcluster.operator.ops.requests import OpsRequests
from devcluster.operator.phases import Phase, Type
from devcluster.operator.pods import PodStates
from devcluster.operator.processes import ServerError
from devcluster.operator.site import Key, NotYetError, Site
from devcluster.operator.status import Status
from devcluster.operator.workloads import UNDECIDED_VERSION, Workloads, marks

logger = logging.getLogger(__name__)

RECHECK_REFUSED_SECONDS = 60.0
REQUEST_SECONDS = 0.5
"""How soon a request that waits for another thing than the database's health is looked at again."""


@dataclass(kw_only=True)
class _Settled:
    """A database that needs nothing but a health check until something changes."""

    workload: Workload
    labels: dict[str, dict[str, str]]
    failures: int = 0


class Provisioner:
    """Reconciles databases."""

    def __init__(
        self, site: Site, engines: Mapping[str, Engine], fill: Callable[[Engine, Workload], Awaitable[None]]
    ) -> None:
        """`fill` brings what an archive holds into a new database that asks for it, before its first server starts."""
        self._fill = fill
        self._site = site
        self._engines = engines
        self._settled: dict[Key, _Settled] = {}
        self._changed: set[Key] = set()
        self._workloads = Workloads(site, engines)
        self._requests = OpsRequests(self._workloads)

    def note_request(self, key: Key) -> None:
        """Remember that a database has an OpsRequest to attend to."""
        self._requests.note(key)

    def unsettle(self, key: Key) -> None:
        """Make the next reconcile look at everything again, because something has changed."""
        self._settled.pop(key, None)
        self._changed.add(key)

    def _unsettle_dependents(self, key: Key) -> None:
        """Make those that refer to a changed database look at it again with their next health check."""
        for other, settled in list(self._settled.items()):
            if key in self._engines[other[0]].referred(settled.workload.db).values():
                self.unsettle(other)

    async def reconcile(self, key: Key) -> float | None:
        """Do what the database needs now; give the seconds until the next look, None for no next look."""
        engine, namespace, name = self._engines[key[0]], key[1], key[2]
        self._changed.discard(key)
        settled = self._settled.get(key)
        if settled is not None and (pause := await self._check(engine, settled)) is not None:
            return pause
        self._settled.pop(key, None)
        body = await self._site.kube.find(engine.resource, namespace, name)
        if body is None:
            await deletion.remove_servers(self._site, key)
            return None
        if body["metadata"].get("deletionTimestamp"):
            await self._terminate(engine, body)
            return None
        version = await self._version(engine, body)
        if version is None:
            return RECHECK_REFUSED_SECONDS
        db = Database(resource=engine.resource, body=body, version=version)
        try:
            return await self._provision(key, engine, db)
        except (ServerError, NotYetError, ForeignObjectError) as error:
            await self._site.events.warning(db.body, "Failed", str(error))
            raise

    async def _check(self, engine: Engine, settled: _Settled) -> float | None:
        """Look at the health; None when something is wrong and the whole reconcile is due."""
        workload = settled.workload
        health = await assess(engine, workload, settled.labels)
        roles = await engine.roles(workload) if health.complete else {}
        moved = any(settled.labels[pod].get(ROLE_LABEL) != role for pod, role in roles.items())
        if health.complete and not moved:
            settled.failures = 0
            return _period(workload.db)
        settled.failures += 1
        threshold = int((workload.db.spec.get("healthChecker") or {}).get("failureThreshold", 1))
        return 1.0 if settled.failures < threshold else None

    async def _version(self, engine: Engine, body: Body) -> Body | None:
        """Read the catalogue's version; None when the operator refuses to touch the database."""
        wanted = str(body["spec"]["version"])
        version = await self._site.kube.find(engine.versions, "", wanted)
        if version is None:
            await self._site.events.warning(body, "Failed", f"failed to get {engine.versions.kind}: {wanted}")
            return None
        if version["spec"].get("deprecated") and not (body.get("status") or {}).get("phase"):
            message = (
                f"{engine.kind} {body['metadata']['name']} is using deprecated version {wanted}. Skipped processing"
            )
            await self._site.events.warning(body, "Failed", message)
            return None
        return version

    async def _terminate(self, engine: Engine, body: Body) -> None:
        if FINALIZER not in (body["metadata"].get("finalizers") or []):
            return
        db = Database(resource=engine.resource, body=body, version=UNDECIDED_VERSION)
        kinds = [other.resource for other in self._engines.values()]
        await engine.leave(db, await self._workloads.peers(engine, db, must_be_ready=False))
        listed = await asyncio.gather(*(self._site.kube.list_all(kind, db.namespace) for kind in kinds))
        await deletion.terminate(self._site, engine, db, [one for bodies in listed for one in bodies])
        logger.info("%s %s/%s: deleted (%s)", engine.kind, db.namespace, db.name, db.spec.get("deletionPolicy"))

    async def _provision(self, key: Key, engine: Engine, db: Database) -> float | None:
        db = await self._with_defaults(engine, db)
        present = db
        db, waiting = await self._requests.attend(engine, db)
        if db is not present:
            self._unsettle_dependents(key)
        status = Status(kube=self._site.kube, resource=engine.resource, body=db.body)
        if db.spec.get("halted"):
            await self._halt(engine, db, status)
            return None
        await deletion.resume(db, status)
        await status.set({Type.PROVISIONING_STARTED: True})
        workload, states = await self._workloads.prepare(engine, db)
        await self._fill(engine, workload)
        await self._report_down(engine, workload, states, status)
        # Only real servers cost something to start.
        async with self._workloads.starting if engine.running_version(db) else contextlib.nullcontext():
            await self._start(engine, workload, states)
        health, routed = await self._workloads.settle(engine, workload, states)
        await self._report_health(status, db, health)
        if waiting:
            return REQUEST_SECONDS if health.complete else 1.0
        if routed and key not in self._changed:
            self._settled[key] = _Settled(workload=workload, labels=states.labels())
        return _period(db) if health.complete else 1.0

    async def _with_defaults(self, engine: Engine, db: Database) -> Database:
        """Write the finalizer, the defaults and what really runs into the object, where they are missing."""
        spec = engine.defaults(db)
        if spec.get("halted") and spec["deletionPolicy"] != "DoNotTerminate":
            spec["deletionPolicy"] = "Halt"
        annotations = marks(engine, db)
        present = db.body["metadata"].get("annotations") or {}
        finalizers = db.body["metadata"].get("finalizers") or []
        same = all(present.get(name) == value for name, value in annotations.items())
        if spec == db.spec and FINALIZER in finalizers and same:
            return db
        metadata = {
            "resourceVersion": db.body["metadata"]["resourceVersion"],
            "finalizers": [*(one for one in finalizers if one != FINALIZER), FINALIZER],
            "annotations": annotations,
        }
        patch = {"metadata": metadata, "spec": spec}
        body = await self._site.kube.patch(engine.resource, db.namespace, db.name, patch)
        return Database(resource=db.resource, body=body, version=db.version)

    async def _halt(self, engine: Engine, db: Database, status: Status) -> None:
        if db.spec.get("deletionPolicy") == "DoNotTerminate":
            message = "Can't halt, since termination policy is 'DoNotTerminate'"
            await self._site.events.warning(db.body, "Failed", message)
            return
        await engine.leave(db, await self._workloads.peers(engine, db, must_be_ready=False))
        await deletion.halt(self._site, db, status)

    async def _report_down(self, engine: Engine, workload: Workload, states: PodStates, status: Status) -> None:
        """Tell that servers are down, before they are started again."""
        if not status.has(Type.PROVISIONED) or engine.running_version(workload.db) is None:
            return
        labels = {pod.name: dict(pod.labels) for pod in workload.layout.pods} | states.labels()
        health = await assess(engine, workload, labels)
        down = [name for name, healthy in health.pods.items() if not healthy]
        for name in down:
            if states.ready(name):
                await self._site.events.warning(workload.db.body, "Unhealthy", f"The server of pod {name} is down")
                await pods.report(self._site, workload.db, name, states, ready=False)
        if down:
            await pods.report_groups(self._site, workload.db, workload.layout, states)
            await status.set(health.conditions)

    async def _start(self, engine: Engine, workload: Workload, states: PodStates) -> None:
        """Start the pods one after the other, as an ordered PetSet does, and bring them together."""
        db = workload.db
        for pod in workload.layout.pods:
            await pods.start(self._site, engine, workload, pod, states)
        wanted = {pod.name for pod in workload.layout.pods}
        for surplus in set(states.bodies) - wanted:
            await pods.remove(self._site, db, surplus)
            del states.bodies[surplus]
        if engine.running_version(db) is not None:
            await engine.join(workload)

    async def _report_health(self, status: Status, db: Database, health: Health) -> None:
        before = status.phase
        if status.has(Type.PROVISIONED):
            await status.set(health.conditions)
            if status.phase == Phase.READY != before:
                await self._site.events.normal(db.body, "Recovered", "The database is ready again")
            return
        for kind, value in health.conditions.items():
            await status.set({kind: value})
        if health.complete and not awaits_restore(db.spec, {"conditions": status.conditions}):
            await self._mark_initialized(db)
            await status.set({Type.PROVISIONED: True})
            await self._site.events.normal(db.body, "Successful", f"Successfully provisioned {db.resource.kind}")

    async def _mark_initialized(self, db: Database) -> None:
        """What fills a new database happens once: write that it has."""
        if db.spec.get("init") and not db.spec["init"].get("initialized"):
            await self._site.kube.patch(db.resource, db.namespace, db.name, {"spec": {"init": {"initialized": True}}})


def _period(db: Database) -> float:
    return max(1.0, float((db.spec.get("healthChecker") or {}).get("periodSeconds", 10)))
