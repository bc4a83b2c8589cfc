"""The process: socket, TLS, background work, orderly end. What is served is in `web`."""

import asyncio
import fcntl
import logging
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from aiohttp import web

from devcluster.apiserver.cluster import Cluster
from devcluster.apiserver.web import MAX_BODY_BYTES, Surface

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
KUBECONFIG = "kubeconfig"
COMPACTION_SECONDS = 60.0
REFRESH_SECONDS = 1.0
"""Time for idle watches to move on before history goes."""
KEPT_EVENTS = 20_000
"""About 100 MB of history at worst; etcd keeps five minutes whatever their size."""
KEPT_SECONDS = 900.0
SHUTDOWN_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    directory: Path
    port: int
    crd_directory: Path | None = None
    has_faults: bool = False


class StartError(Exception):
    """The server cannot start as it was asked to; the text says why and what to do."""


def bind(port: int) -> socket.socket:
    """Open the listening socket; port 0 means any free one.

    Raises: StartError.
    """
    try:
        return socket.create_server((HOST, port), backlog=512)
    except OSError as error:
        raise StartError(f"Port {port} on {HOST} is in use; choose another one with --port.") from error


def lock(directory: Path) -> TextIO:
    """Take the data directory for this process, for as long as the file that is returned stays open.

    Raises: StartError.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = (directory / "apiserver.lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StartError(f"Another API server works in {directory}; stop it or choose another --data-dir.") from error
    return file


async def serve(options: Options, listener: socket.socket, *, ready: asyncio.Event | None = None) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is set when clients can connect and the kubeconfig is written."""
    cluster = Cluster(options.directory, crd_directory=options.crd_directory, has_faults=options.has_faults)
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/{path:.*}", Surface(cluster).serve)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listener, ssl_context=cluster.credentials.tls_context()).start()
    url = f"https://{HOST}:{listener.getsockname()[1]}"
    kubeconfig = options.directory / KUBECONFIG
    cluster.credentials.write_kubeconfig(kubeconfig, url)
    print(f"The pocket cluster listens on {url}; kubeconfig: {kubeconfig}", flush=True)  # noqa: T201 — the one line for people
    if ready is not None:
        ready.set()
    background = [asyncio.create_task(cluster.controllers.run()), asyncio.create_task(_compact(cluster))]
    stop = _stop_signal()
    try:
        await asyncio.wait([*background, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        for task in background:
            if task.done():
                task.result()
    finally:
        for task in background:
            task.cancel()
        cluster.watches.close()
        await runner.cleanup()
        cluster.close()


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _compact(cluster: Cluster) -> None:
    """Keep the history and the Events short."""
    while True:
        await asyncio.sleep(COMPACTION_SECONDS)
        cluster.controllers.expire_events()
        cluster.watches.refresh()
        await asyncio.sleep(REFRESH_SECONDS)
        cluster.store.compact(keep=KEPT_EVENTS, max_age_seconds=KEPT_SECONDS)


def main(options: Options) -> int:
    """Run the server in this process and give its exit code."""
    with bind(options.port) as listener, lock(options.directory), suppress(KeyboardInterrupt):
        asyncio.run(serve(options, listener))
    return 0
