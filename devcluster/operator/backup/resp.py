"""Speaks to a Redis or Valkey server in bytes, because keys and values need not be text; `probes.py` is for text."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import RedisError

REPLY_SECONDS = 60.0
Reply = bytes | int | None | list["Reply"]
Command = Sequence[bytes]


class Connection:
    """One connection, logged in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, *words: bytes) -> Reply:
        """Send one command and give the answer. Raises: RedisError."""
        (reply,) = await self.ask_all([words])
        return reply

    async def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """Send commands at once and give their answers. Raises: RedisError — the first one that was refused."""
        async with asyncio.timeout(REPLY_SECONDS):
            self._writer.write(b"".join(map(_encode, commands)))
            replies = [await self._reply() for _ in commands]
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return [reply for reply in replies if not isinstance(reply, RedisError)]

    async def _reply(self) -> Reply | RedisError:
        line = (await self._reader.readuntil(b"\r\n"))[:-2]
        mark, rest = line[:1], line[1:]
        if mark == b"-":
            return RedisError(rest.decode(errors="replace"))
        if mark == b":":
            return int(rest)
        if mark == b"$":
            return None if rest == b"-1" else (await self._reader.readexactly(int(rest) + 2))[:-2]
        if mark == b"*":
            inner = [await self._reply() for _ in range(max(0, int(rest)))]
            return [one for one in inner if not isinstance(one, RedisError)]
        return rest


@contextlib.asynccontextmanager
async def connected(port: int, password: str) -> AsyncIterator[Connection]:
    """Connect and log in; an empty password means that there is no authentication."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        connection = Connection(reader, writer)
        if password:
            await connection.ask(b"AUTH", password.encode())
        yield connection
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the server closed the connection") from error
    finally:
        writer.close()


def _encode(command: Command) -> bytes:
    return b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)
