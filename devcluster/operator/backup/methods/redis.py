"""Redis: the file that BGSAVE writes, per server that takes writes; read back through a server of its own.

A live server cannot be given a file. So a passing server loads it, and its keys are copied one by one to where they
belong now: replicas follow, nothing restarts, and the shards may have changed since the backup.
"""

import asyncio
import binascii
import contextlib
import gzip
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from devcluster.operator.backup.method import Job, Method, ToolError
from devcluster.operator.backup.resp import Connection, Reply, connected
from devcluster.operator.backup.targets import primaries
from devcluster.operator.backup.vault import CHUNK_BYTES, Part
from devcluster.operator.database import derived_name
from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import RedisError, accepts_redis
from devcluster.operator.processes import Launch, PodKey
from devcluster.operator.servers import valkey

SLOTS = 16384
KEYS_AT_ONCE = b"500"
SAVE_POLL_SECONDS = 0.05
LOAD_SECONDS = 600.0
STOP_SECONDS = 5.0


class Redis(Method):
    """The way of the kind Redis."""

    plural = "redises"

    async def back_up(self, job: Job) -> None:
        """Write the file of each server that takes writes."""
        servers = await primaries(job.site, job.target)
        try:
            for number, (_, port) in enumerate(servers):
                name = f"dump-pod-{number}" if _is_cluster(job) else "dump"
                async with connected(port, job.login.password) as server:
                    path = await _save(server)
                await _store(job, name, path)
        except RedisError as error:
            raise job.error(str(error)) from error

    async def restore(self, job: Job) -> None:
        """Empty the database and copy the keys of every file into it."""
        try:
            async with _targets(job) as servers:
                for server in servers.values():
                    await server.ask(b"FLUSHALL", b"SYNC")
                await _fill(job, servers)
        except RedisError as error:
            raise job.error(str(error)) from error


@contextlib.asynccontextmanager
async def _targets(job: Job) -> AsyncIterator[dict[int, Connection]]:
    """Connect to the servers that take writes, by their ports."""
    async with contextlib.AsyncExitStack() as stack:
        servers = {}
        for _, port in await primaries(job.site, job.target):
            servers[port] = await stack.enter_async_context(connected(port, job.login.password))
        yield servers


async def _fill(job: Job, servers: Mapping[int, Connection]) -> None:
    owners = await _slot_owners(servers) if _is_cluster(job) else {}
    for part in job.folder.parts():
        if not part.name.startswith("dump"):
            continue
        async with _loaded(job, part) as source:
            await _copy(source, servers, owners)


def _is_cluster(job: Job) -> bool:
    return str(job.target.db.spec.get("mode", "")) == "Cluster"


async def _save(server: Connection) -> Path:
    """Let the server write its file and give where it is."""
    before = (await _persistence(server))["rdb_saves"]
    try:
        await server.ask(b"BGSAVE")
    except RedisError:
        # Another child process is at work, for a replica or for the append-only file; ours comes after it.
        await server.ask(b"BGSAVE", b"SCHEDULE")
    while True:
        now = await _persistence(server)
        if now["rdb_last_bgsave_status"] != "ok":
            raise ToolError("BGSAVE failed; the server's log says why.")
        if now["rdb_saves"] != before and now["rdb_bgsave_in_progress"] == "0":
            break
        await asyncio.sleep(SAVE_POLL_SECONDS)
    folder, name = await _setting(server, b"dir"), await _setting(server, b"dbfilename")
    return Path(folder) / name


async def _persistence(server: Connection) -> dict[str, str]:
    lines = _text(await server.ask(b"INFO", b"persistence")).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


async def _setting(server: Connection, name: bytes) -> str:
    reply = await server.ask(b"CONFIG", b"GET", name)
    return _text(reply[1]) if isinstance(reply, list) else ""


async def _store(job: Job, name: str, path: Path) -> None:
    with path.open("rb") as file:
        async with job.folder.writing(name) as sink:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                await sink.take(chunk)


@contextlib.asynccontextmanager
async def _loaded(job: Job, part: Part) -> AsyncIterator[Connection]:
    """Give a passing server that has loaded a file; a killed operator's is stopped and made again."""
    processes, db = job.site.processes, job.target.db
    key = PodKey(db.namespace, derived_name(db.name, "restore"))
    await processes.stop(key, grace_seconds=STOP_SECONDS)
    folder, password = processes.folder(key), secrets.token_hex(16)
    try:
        await asyncio.to_thread(_unpack, job.folder.path / part.file, folder / "dump.rdb")
        port = processes.port_of(key)
        config = folder / "valkey.conf"
        lines = [f"bind {LOOPBACK}", f"port {port}", f'dir "{folder}"', 'save ""', f"requirepass {password}"]
        config.touch(mode=0o600)
        config.write_text("\n".join([*lines, "appendonly no", "daemonize no", ""]))
        launch = Launch(
            argv=valkey.command(config),
            port=port,
            stop_signal=valkey.STOP_SIGNAL,
            owner=job.target.key,
            ready=lambda: accepts_redis(port, password),
            within_seconds=LOAD_SECONDS,
        )
        await processes.ensure(key, launch)
        async with connected(port, password) as source:
            yield source
    finally:
        await processes.stop(key, grace_seconds=STOP_SECONDS)
        processes.forget(key)


def _unpack(packed: Path, plain: Path) -> None:
    with gzip.open(packed) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target, CHUNK_BYTES)


async def _copy(source: Connection, servers: Mapping[int, Connection], owners: Mapping[int, int]) -> None:
    functions = await source.ask(b"FUNCTION", b"DUMP")
    for server in servers.values():
        if isinstance(functions, bytes):
            await server.ask(b"FUNCTION", b"RESTORE", functions, b"REPLACE")
    for number in await _databases(source):
        await source.ask(b"SELECT", number)
        if not owners:
            await next(iter(servers.values())).ask(b"SELECT", number)
        cursor = b"0"
        while True:
            reply = await source.ask(b"SCAN", cursor, b"COUNT", KEYS_AT_ONCE)
            assert isinstance(reply, list) and isinstance(reply[0], bytes) and isinstance(reply[1], list)  # noqa: S101, PT018 - what SCAN gives
            keys = [key for key in reply[1] if isinstance(key, bytes)]
            await _copy_keys(source, servers, owners, keys)
            cursor = reply[0]
            if cursor == b"0":
                break


async def _copy_keys(
    source: Connection, servers: Mapping[int, Connection], owners: Mapping[int, int], keys: Sequence[bytes]
) -> None:
    values = await source.ask_all([[b"DUMP", key] for key in keys])
    ends = await source.ask_all([[b"PEXPIRETIME", key] for key in keys])
    batches: dict[int, list[list[bytes]]] = {port: [] for port in servers}
    for key, value, end in zip(keys, values, ends, strict=True):
        if isinstance(value, bytes) and isinstance(end, int):
            port = owners[_slot(key)] if owners else next(iter(servers))
            batches[port].append([b"RESTORE", key, b"%d" % max(0, end), value, b"REPLACE", b"ABSTTL"])
    for port, commands in batches.items():
        await servers[port].ask_all(commands)


async def _databases(source: Connection) -> list[bytes]:
    lines = _text(await source.ask(b"INFO", b"keyspace")).splitlines()
    return [line.partition(":")[0].removeprefix("db").encode() for line in lines if line.startswith("db")]


async def _slot_owners(servers: Mapping[int, Connection]) -> dict[int, int]:
    """Ask the cluster which server has which slot."""
    ranges = await next(iter(servers.values())).ask(b"CLUSTER", b"SLOTS")
    owners: dict[int, int] = {}
    for one in ranges if isinstance(ranges, list) else []:
        if isinstance(one, list) and isinstance(one[2], list):
            first, last, port = one[0], one[1], one[2][1]
            owners |= dict.fromkeys(range(first, last + 1), port)  # type: ignore[arg-type,operator] # numbers, by the protocol
    if len(owners) != SLOTS or not set(owners.values()) <= set(servers):
        raise ToolError("The cluster is not complete: some slots have no server.")
    return owners


def _slot(key: bytes) -> int:
    """Compute a key's slot: of what stands between the first braces, where something does."""
    _, opening, rest = key.partition(b"{")
    tag, closing, _ = rest.partition(b"}")
    return binascii.crc_hqx(tag if opening and closing and tag else key, 0) % SLOTS


def _text(reply: Reply) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else ""


METHOD = Redis()
