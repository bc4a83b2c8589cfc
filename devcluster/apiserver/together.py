"""Both halves of the pocket cluster at once: the server here, the operator as a child that lives and ends with it."""

import asyncio
import ctypes
import logging
import signal
import socket
import sys
from asyncio.subprocess import Process

from devcluster.apiserver.server import KUBECONFIG, Options, bind, lock, serve

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""
GRACE_SECONDS = 15.0
"""How long the operator may take to stop its engines."""


def run_both(options: Options) -> int:
    """Serve and operate until a signal comes or one half ends; give the exit code.

    Raises: StartError.
    """
    with bind(options.port) as listener, lock(options.directory):
        return asyncio.run(_run_both(options, listener))


async def _run_both(options: Options, listener: socket.socket) -> int:
    ready = asyncio.Event()
    server = asyncio.create_task(serve(options, listener, ready=ready))
    await asyncio.wait([server, asyncio.create_task(ready.wait())], return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
        return 0
    operator = await _start_operator(options)
    end = asyncio.create_task(operator.wait())
    await asyncio.wait([server, end], return_when=asyncio.FIRST_COMPLETED)
    if end.done() and not server.done():
        log.error("The operator ended with code %s; stopping the API server.", end.result())
        server.cancel()
    await _stop(operator)
    await asyncio.gather(server, return_exceptions=True)
    return end.result() if server.cancelled() else 0


async def _start_operator(options: Options) -> Process:
    kubeconfig, directory = options.directory / KUBECONFIG, options.directory
    arguments = ("-m", "devcluster", "operator", "--kubeconfig", str(kubeconfig), "--data-dir", str(directory))
    # A session of its own: Ctrl-C in a terminal reaches only us, and we end the operator in order.
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, start_new_session=True, preexec_fn=_end_with_parent
    )


def _end_with_parent() -> None:
    """Ask Linux to end the operator when we are killed, so that the next start finds its files unlocked."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _stop(operator: Process) -> None:
    if operator.returncode is not None:
        return
    operator.terminate()
    try:
        await asyncio.wait_for(operator.wait(), GRACE_SECONDS)
    except TimeoutError:
        log.warning("The operator did not end in %s s and is killed.", GRACE_SECONDS)
        operator.kill()
        await operator.wait()
