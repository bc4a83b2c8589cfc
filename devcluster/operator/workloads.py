"""Prepares what the servers of one database need, and what follows once they run; whoever changes a database uses it.

The provisioner brings a database to its spec with it, an OpsRequest to another spec first. It decides nothing.
"""

import asyncio
import logging
from collections.abc import Mapping

from devcluster.operator import making, pods
from devcluster.operator.database import ROLE_LABEL, Database
from devcluster.operator.engine import Engine, Peer, Workload
from devcluster.operator.health import Health, assess
from devcluster.operator.kube import Body
from devcluster.operator.objects import RUNNING_VERSION_ANNOTATION, SIMULATED_ANNOTATION
from devcluster.operator.phases import Phase
from devcluster.operator.pods import PodStates
from devcluster.operator.resources import PODS
from devcluster.operator.routing import route
from devcluster.operator.site import NotYetError, Site

logger = logging.getLogger(__name__)

STARTING_AT_ONCE = 3
UNDECIDED_VERSION: Body = {"spec": {"version": "0"}}


class Workloads:
    """What is common to all that change the servers of a database."""

    def __init__(self, site: Site, engines: Mapping[str, Engine]) -> None:
        self.site = site
        self.engines = engines
        self.starting = asyncio.Semaphore(STARTING_AT_ONCE)
        """Only so many real databases start or change at once."""

    async def peers(self, engine: Engine, db: Database, *, must_be_ready: bool) -> dict[str, Peer]:
        """Read the databases that this one refers to. Raises: NotYetError."""
        peers: dict[str, Peer] = {}
        for role, key in engine.referred(db).items():
            other, namespace, name = self.engines[key[0]], key[1], key[2]
            body = await self.site.kube.find(other.resource, namespace, name)
            if body is not None and (body.get("status") or {}).get("phase") == Phase.READY:
                peer = Database(resource=other.resource, body=body, version=UNDECIDED_VERSION)
                login = await making.make_login(self.site, other, peer)
                peers[role] = Peer(db=peer, login=login, ports=self.site.processes.ports_of(key))
            elif must_be_ready:
                raise NotYetError(f"{other.kind} {namespace}/{name} is not ready")
        return peers

    async def prepare(self, engine: Engine, db: Database) -> tuple[Workload, PodStates]:
        """Make all that exists before the pods, and look at the pods that there are. Raises: NotYetError."""
        peers = await self.peers(engine, db, must_be_ready=True)
        login = await making.make_login(self.site, engine, db)
        config_files = await making.make_config(self.site, db)
        layout = engine.layout(db)
        await making.make_objects(self.site, db, layout, with_secret=bool(login.password))
        states = await pods.look(self.site, db)
        opened = {pod.name: await pods.open_volume(self.site, engine, db, pod) for pod in layout.pods}
        workload = Workload(
            db=db,
            layout=layout,
            login=login,
            config_files=config_files,
            volumes={name: folder for name, folder in opened.items() if folder is not None},
            processes=self.site.processes,
            peers=peers,
        )
        return workload, states

    async def follow_roles(self, engine: Engine, workload: Workload, states: PodStates) -> None:
        """Write the roles that the servers have taken by themselves on their pods."""
        if engine.running_version(workload.db) is None:
            return
        for name, role in (await engine.roles(workload)).items():
            if name in states.bodies and states.labels()[name].get(ROLE_LABEL) != role:
                patch = {"metadata": {"labels": {ROLE_LABEL: role}}}
                states.bodies[name] = await self.site.kube.patch(PODS, workload.db.namespace, name, patch)
                logger.info("pod %s/%s: is %s now", workload.db.namespace, name, role)

    async def settle(self, engine: Engine, workload: Workload, states: PodStates) -> tuple[Health, bool]:
        """Bring roles, PetSets and services up to date; give the health, and whether every port could be opened."""
        await self.follow_roles(engine, workload, states)
        await pods.report_groups(self.site, workload.db, workload.layout, states)
        routed = await route(self.site, workload.db, states)
        return await assess(engine, workload, states.labels()), routed


def marks(engine: Engine, db: Database) -> dict[str, str | None]:
    """Give the annotations that tell what really runs behind a database."""
    running = engine.running_version(db)
    return {SIMULATED_ANNOTATION: "false" if running else "true", RUNNING_VERSION_ANNOTATION: running}
