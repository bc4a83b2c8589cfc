"""Watches the databases and what was made for them, and decides when each database is looked at.

What is done then is in `provisioner.py`. A watch only says "look again": nothing is decided from an event's content.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from pathlib import Path

from devcluster.operator import catalogue
from devcluster.operator.apply import ForeignObjectError
from devcluster.operator.backup.coordinator import Coordinator
from devcluster.operator.database import INSTANCE_LABEL, NAME_LABEL, OURS
from devcluster.operator.deletion import claims_of, release_claim
from devcluster.operator.engine import Engine, load_engines
from devcluster.operator.events import Recorder
from devcluster.operator.exporter.server import ExporterServer
from devcluster.operator.kube import ApiError, Body, Kube
from devcluster.operator.ops.request import Request
from devcluster.operator.probes import RedisError
from devcluster.operator.processes import PodKey, Processes, ServerError
from devcluster.operator.provisioner import Provisioner
from devcluster.operator.proxy import Proxy
from devcluster.operator.queue import WorkQueue
from devcluster.operator.resources import CLAIMS, PODS, SERVICES, request_resource
from devcluster.operator.site import Key, NotYetError, Site
from devcluster.operator.volumes import Volumes

logger = logging.getLogger(__name__)

STOP_SECONDS = 7.0
EXPECTED = (ApiError, ServerError, NotYetError, ForeignObjectError, RedisError, OSError, TimeoutError)
STABLE_SECONDS = 30.0
"""A server that ran this long is started again at once; one that keeps dying is started later and later."""
LAST_PAUSE_SECONDS = 60.0


class Controller:
    """The running operator."""

    def __init__(self, kube: Kube, root: Path) -> None:
        self._engines = load_engines(root)
        self._site = Site(
            root=root,
            kube=kube,
            processes=Processes(root, self._server_exited),
            volumes=Volumes(root),
            events=Recorder(kube),
            proxy=Proxy(),
        )
        self._exporter = ExporterServer(self._site)
        self._backups = Coordinator(self._site, self._engines, self._wake, EXPECTED)
        self._provisioner = Provisioner(self._site, self._engines, self._backups.fill)
        self._databases: WorkQueue[Key] = WorkQueue(self._provisioner.reconcile, expected=EXPECTED)
        self._claims: WorkQueue[tuple[str, str]] = WorkQueue(self._release_claim, expected=EXPECTED)
        self._seen: dict[Key, object] = {}
        self._quick_exits: dict[PodKey, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then stop every server cleanly."""
        self._site.processes.adopt_all()
        stopping = asyncio.create_task(stop.wait())
        installing = asyncio.create_task(self._prepare())
        await asyncio.wait([stopping, installing], return_when=asyncio.FIRST_COMPLETED)
        tasks = [asyncio.create_task(self._watch_databases(engine)) for engine in self._engines.values()]
        made = (
            *self._backups.watchers(),
            self._watch_pods(),
            self._watch_services(),
            self._watch_claims(),
            self._warm_up(),
        )
        tasks += [asyncio.create_task(watch) for watch in made]
        tasks = [*(asyncio.create_task(self._watch_requests(engine)) for engine in self._engines.values()), *tasks]
        for key in self._site.processes.owners():
            self._databases.add(key)
        stopping = asyncio.create_task(stop.wait())
        try:
            # A watch never ends by itself, so what ends early is our bug and must not be silent.
            done, _ = await asyncio.wait([stopping, *tasks[:-1]], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopping}:
                task.result()
        finally:
            await self._stop([stopping, installing, *tasks])

    async def _prepare(self) -> None:
        await catalogue.install(self._site.kube)
        await self._exporter.start()

    async def _stop(self, tasks: list[asyncio.Task[None] | asyncio.Task[bool]]) -> None:
        logger.info("stopping the servers")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(self._databases.close(), self._claims.close(), self._backups.close())
        await self._exporter.stop()
        await self._site.proxy.close_all()
        await self._site.processes.stop_all(grace_seconds=STOP_SECONDS)

    async def _warm_up(self) -> None:
        for engine in self._engines.values():
            await engine.warm_up()

    async def _watch_databases(self, engine: Engine) -> None:
        async for change in self._site.kube.watch(engine.resource):
            key = (engine.plural, *_identity(change.body))
            known = None if change.kind == "DELETED" else _what_matters(change.body)
            if known is None or self._seen.get(key) != known:
                self._wake(key)
            self._seen[key] = known

    async def _watch_requests(self, engine: Engine) -> None:
        async for change in self._site.kube.watch(request_resource(engine.kind)):
            if change.kind != "DELETED" and Request(change.body).is_live:
                key = (engine.plural, change.body["metadata"]["namespace"], Request(change.body).database)
                self._provisioner.note_request(key)
                self._wake(key)

    async def _watch_services(self) -> None:
        async for change in self._site.kube.watch(SERVICES, OURS):
            if change.kind == "DELETED":
                self._wake_owner(change.body)

    async def _watch_pods(self) -> None:
        async for change in self._site.kube.watch(PODS, OURS):
            if change.kind == "DELETED":
                self._wake_owner(change.body)
                for claim in claims_of(change.body):
                    self._claims.add((change.body["metadata"]["namespace"], claim))

    async def _watch_claims(self) -> None:
        async for change in self._site.kube.watch(CLAIMS, OURS):
            if change.body["metadata"].get("deletionTimestamp"):
                self._claims.add(_identity(change.body))

    async def _release_claim(self, identity: tuple[str, str]) -> None:
        await release_claim(self._site, *identity)

    def _wake_owner(self, body: Body) -> None:
        key = _owner(body)
        if key is not None and key[0] in self._engines:
            self._wake(key)

    def _wake(self, key: Key) -> None:
        self._provisioner.unsettle(key)
        self._databases.add(key)

    def _server_exited(self, owner: Key, pod: PodKey, ran_seconds: float) -> None:
        self._provisioner.unsettle(owner)
        exits = 0 if ran_seconds > STABLE_SECONDS else self._quick_exits.get(pod, 0)
        self._quick_exits[pod] = exits + 1
        pause = min(LAST_PAUSE_SECONDS, 2.0**exits - 1)
        self._databases.add_after(owner, pause)


def _identity(body: Body) -> tuple[str, str]:
    return str(body["metadata"]["namespace"]), str(body["metadata"]["name"])


def _what_matters(body: Body) -> object:
    """What of a database leads to work; our own writes of its status do not."""
    metadata = body["metadata"]
    kept = (metadata.get("generation"), metadata.get("deletionTimestamp"), metadata["uid"])
    return *kept, metadata.get("labels") or {}


def _owner(body: Body) -> Key | None:
    labels = body["metadata"].get("labels") or {}
    if NAME_LABEL not in labels or INSTANCE_LABEL not in labels:
        return None
    return labels[NAME_LABEL].partition(".")[0], body["metadata"]["namespace"], labels[INSTANCE_LABEL]


async def serve(kubeconfig: Path, root: Path, stop_signals: Sequence[signal.Signals]) -> None:
    """Run the operator until one of the signals, which may be blocked until now, arrives."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in stop_signals:
        loop.add_signal_handler(number, stop.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stop_signals)
    async with Kube(kubeconfig) as kube:
        with contextlib.suppress(asyncio.CancelledError):
            await Controller(kube, root).run(stop)
