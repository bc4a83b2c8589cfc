"""Runs the programs that read and write databases, with their bytes streamed to and from a backup's files.

It knows processes and streams, and nothing of databases. A program ends with the task that runs it.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import IO

from devcluster.operator.backup.vault import CHUNK_BYTES, Sink

MESSAGE_BYTES = 64 * 1024


class ExitError(Exception):
    """A program ended with an error; the message is the end of what it said."""


async def read_into(sink: Sink, argv: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a program and write what it prints into a part of a backup. Raises: ExitError."""
    async with _running(argv, environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE) as process:
        said = asyncio.create_task(_tail(process.stderr))
        assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        while chunk := await process.stdout.read(CHUNK_BYTES):
            await sink.take(chunk)
        await _finish(process, argv, await said)


async def write_from(source: IO[bytes], first: bytes, argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a program with `first` and then the rest of a file as its input, and give what it said. Raises: ExitError."""
    async with _running(argv, environment, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL) as process:
        said = asyncio.create_task(_tail(process.stderr))
        assert process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        # A program that ends early says why on its own; the broken pipe says less.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            chunk = first or await asyncio.to_thread(source.read, CHUNK_BYTES)
            while chunk:
                process.stdin.write(chunk)
                await process.stdin.drain()
                chunk = await asyncio.to_thread(source.read, CHUNK_BYTES)
            process.stdin.close()
            await process.stdin.wait_closed()
        text = await said
        await _finish(process, argv, text)
        return text


async def run(argv: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a program and give what it printed. Raises: ExitError."""
    async with _running(argv, environment, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE) as process:
        said = asyncio.create_task(_tail(process.stderr))
        assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        printed = await process.stdout.read()
        await _finish(process, argv, await said)
        return printed.decode(errors="replace")


@contextlib.asynccontextmanager
async def _running(
    argv: Sequence[str], environment: Mapping[str, str], *, stdin: int, stdout: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=stdin, stdout=stdout, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _finish(process: asyncio.subprocess.Process, argv: Sequence[str], said: str) -> None:
    code = await process.wait()
    if code:
        name = os.path.basename(next((word for word in argv if "/" in word), argv[0]))
        raise ExitError(f"{name} failed with exit code {code}: {said.strip()}")


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """Read all, and keep only the beginning and the end of what is long."""
    assert stream is not None  # noqa: S101 - it was asked for as a pipe
    kept = b""
    while chunk := await stream.read(MESSAGE_BYTES):
        kept += chunk
        if len(kept) > 2 * MESSAGE_BYTES:
            kept = kept[:MESSAGE_BYTES] + b"\n...\n" + kept[-MESSAGE_BYTES // 2 :]
    return kept.decode(errors="replace")
