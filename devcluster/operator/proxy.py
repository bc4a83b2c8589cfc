"""Plays kube-proxy: what connects to a service's node port on the loopback address reaches the real server behind it.

It forwards bytes and knows nothing of databases; which server a service leads to is decided in `provisioner.py`.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from devcluster.operator.ports import LOOPBACK

logger = logging.getLogger(__name__)

BUFFER_BYTES = 64 * 1024
CONNECT_SECONDS = 5.0


class ServiceKey(NamedTuple):
    """The service whose port is forwarded."""

    namespace: str
    name: str


@dataclass(kw_only=True)
class _Forward:
    node_port: int
    target_port: int
    listener: asyncio.Server


class Proxy:
    """All forwarded ports of this operator."""

    def __init__(self) -> None:
        self._forwards: dict[ServiceKey, _Forward] = {}
        self._connections: set[asyncio.Task[None]] = set()

    async def forward(self, key: ServiceKey, *, node_port: int, target_port: int) -> None:
        """Lead new connections of a node port to a server. Raises: OSError — the port is taken by somebody else."""
        present = self._forwards.get(key)
        if present is not None and present.node_port == node_port:
            present.target_port = target_port
            return
        self.close(key)

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(key, reader, writer)

        listener = await asyncio.start_server(serve, LOOPBACK, node_port, limit=BUFFER_BYTES)
        self._forwards[key] = _Forward(node_port=node_port, target_port=target_port, listener=listener)
        logger.info("service %s/%s: listens on %s:%d", *key, LOOPBACK, node_port)

    def close(self, key: ServiceKey) -> None:
        """Stop listening for a service; connections end with their server."""
        present = self._forwards.pop(key, None)
        if present is not None:
            present.listener.close()

    async def close_all(self) -> None:
        """Stop listening, and cut the connections."""
        for key in list(self._forwards):
            self.close(key)
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, key: ServiceKey, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        forward = self._forwards.get(key)
        if task is None or forward is None:
            writer.close()
            return
        self._connections.add(task)
        try:
            await _forward(reader, writer, forward.target_port)
        except asyncio.CancelledError:
            # The operator stops; the stream's own callback would log the cancellation as an error.
            return
        finally:
            self._connections.discard(task)
            writer.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target_port: int) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            answers, requests = await asyncio.open_connection(LOOPBACK, target_port, limit=BUFFER_BYTES)
    except (OSError, TimeoutError):
        return  # closing at once is what a client sees of a service without a server
    try:
        await asyncio.gather(_copy(reader, requests), _copy(answers, writer))
    finally:
        requests.close()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the end, then close only this direction: the other side may still have to answer."""
    with suppress(OSError):
        while chunk := await source.read(BUFFER_BYTES):
            sink.write(chunk)
            await sink.drain()
    with suppress(OSError):
        if sink.can_write_eof():
            sink.write_eof()
