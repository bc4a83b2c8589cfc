"""Cheap questions to a real server over its own protocol, so that a health check costs one connection and no process.

Nothing here knows of databases or conditions: an engine asks, and decides what the answer means.
"""

import asyncio
import struct
from collections.abc import Sequence

from devcluster.operator.ports import LOOPBACK

PROBE_SECONDS = 3.0
PROTOCOL_3_0 = 196608
STARTING_UP = b"C57P03\x00"
Reply = str | int | None | list["Reply"]


class RedisError(Exception):
    """The server answered with an error."""


async def accepts_postgres(port: int) -> bool:
    """Tell whether a PostgreSQL server takes connections: it asks for a password, or refuses for another reason."""
    parameters = b"user\x00postgres\x00database\x00postgres\x00\x00"
    packet = struct.pack("!ii", len(parameters) + 8, PROTOCOL_3_0) + parameters
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            answer = await _exchange(port, packet)
    except (OSError, TimeoutError):
        return False
    return answer[:1] == b"R" or (answer[:1] == b"E" and STARTING_UP not in answer)


async def _exchange(port: int, packet: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(packet)
        return await reader.read(1024)
    finally:
        writer.close()


async def accepts_redis(port: int, password: str) -> bool:
    """Tell whether a Redis or Valkey server answers PING with the password (empty: none)."""
    try:
        return await ask_redis(port, password, ["PING"]) == ["PONG"]
    except (OSError, TimeoutError, RedisError, ValueError):
        return False


async def ask_redis(port: int, password: str, *commands: Sequence[str]) -> list[Reply]:
    """Send commands over one connection and give the answers. Raises: RedisError, OSError, TimeoutError."""
    async with asyncio.timeout(PROBE_SECONDS):
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        try:
            login = [["AUTH", password]] if password else []
            sent = [*login, *commands]
            writer.write(b"".join(_encode(command) for command in sent))
            replies = [await _reply(reader) for _ in sent]
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError("the server closed the connection") from error
        finally:
            writer.close()
    return replies[len(login) :]


def _encode(command: Sequence[str]) -> bytes:
    words = [word.encode() for word in command]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


async def _reply(reader: asyncio.StreamReader) -> Reply:
    line = (await reader.readuntil(b"\r\n"))[:-2].decode()
    mark, rest = line[:1], line[1:]
    if mark == "-":
        raise RedisError(rest)
    if mark == ":":
        return int(rest)
    if mark == "$":
        length = int(rest)
        return None if length < 0 else (await reader.readexactly(length + 2))[:-2].decode()
    if mark == "*":
        return None if rest == "-1" else [await _reply(reader) for _ in range(int(rest))]
    return rest
