"""Real servers as operating system processes: started, adopted after a restart of the operator, watched and stopped.

A server belongs to a pod and outlives a killed operator. It is found again through the record under
`DATA_DIR/processes/<namespace>/<pod>/`, where the server itself, before it becomes the server, writes its process id
and start time: no moment exists in which it runs unrecorded, and a recycled process id is never mistaken for it.
What is run, and with which files, is decided in `servers/`.
"""

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from devcluster.operator.ports import Ports, is_free

logger = logging.getLogger(__name__)

# The shell replaces itself with the server, so the recorded process is the server.
RECORD_THEN_BECOME = 'cat "/proc/$$/stat" > "$0.new" && mv "$0.new" "$0" && exec "$@"'
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
POLL_SECONDS = 0.02
LOG_TAIL_BYTES = 600
MAX_LOG_BYTES = 4 * 1024 * 1024


class ServerError(Exception):
    """A server did not start, or did not become ready in time."""


class PodKey(NamedTuple):
    """The pod that a server belongs to."""

    namespace: str
    pod: str


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to start one server; `owner` is the key of its database, given back when the server exits."""

    argv: list[str]
    port: int
    stop_signal: int
    owner: tuple[str, str, str]
    ready: Callable[[], Awaitable[bool]]
    within_seconds: float = 30.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is written down before a server starts."""

    port: int
    stop_signal: int
    owner: tuple[str, str, str]
    boot_id: str


@dataclass(kw_only=True)
class Server:
    """A process that runs, or has just stopped."""

    pid: int
    record: Record
    child: "subprocess.Popen[bytes] | None" = None
    since: float = field(default_factory=time.monotonic)
    exited: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False


class Processes:
    """All servers of this operator. Not safe to use from two operators on the same folder: `main` prevents that."""

    def __init__(self, root: Path, on_exit: Callable[[tuple[str, str, str], PodKey, float], None]) -> None:
        """`on_exit` is told the owner, the pod and how many seconds the server ran when one stops by itself."""
        self._root = root
        self._on_exit = on_exit
        self._servers: dict[PodKey, Server] = {}
        self._ports = Ports()
        self._chosen: dict[PodKey, int] = {}
        self._boot_id = BOOT_ID.read_text().strip()

    def adopt_all(self) -> None:
        """Take over the servers that an earlier operator left running."""
        for path in self._records.glob("*/*/record.json"):
            key = PodKey(path.parent.parent.name, path.parent.name)
            record = self._record(key)
            if record is not None:
                self._ports.keep(record.port)
                self._adopt(key, record)

    def owners(self) -> set[tuple[str, str, str]]:
        """Give the databases whose servers run."""
        return {server.record.owner for server in self._servers.values()}

    def known(self) -> list[PodKey]:
        """Give the pods whose servers were started or adopted."""
        return list(self._servers)

    def log_of(self, key: PodKey) -> Path:
        """Give where a pod's server writes its log."""
        return self._folder(key) / "server.log"

    def running(self, key: PodKey) -> Server | None:
        """Give the server of a pod if it runs."""
        server = self._servers.get(key)
        return server if server is not None and not server.exited.is_set() else None

    def owned_by(self, owner: tuple[str, str, str]) -> list[PodKey]:
        """Give the pods of a database that have a server, running or not."""
        folders = [path.parent for path in self._records.glob("*/*/record.json")]
        keys = [PodKey(folder.parent.name, folder.name) for folder in folders]
        records = ((key, self._record(key)) for key in keys)
        return [key for key, record in records if record is not None and record.owner == owner]

    def ports_of(self, owner: tuple[str, str, str]) -> tuple[int, ...]:
        """Give where the running servers of a database listen, in the order of their pods."""
        running = ((key, self.running(key)) for key in sorted(self.owned_by(owner)))
        return tuple(server.record.port for _, server in running if server is not None)

    def port_of(self, key: PodKey) -> int:
        """Give the port of a pod's server: the same for the pod's whole life as long as nobody else takes it."""
        record = self._record(key)
        port = record.port if record is not None else self._chosen.get(key)
        if port is not None and (self.running(key) or is_free(port)):
            return port
        if port is not None:
            self._ports.release(port)
            (self._folder(key) / "record.json").unlink(missing_ok=True)
        self._chosen[key] = self._ports.choose()
        return self._chosen[key]

    async def ensure(self, key: PodKey, launch: Launch) -> Server:
        """Start the server unless it runs, and wait until it is ready. Raises: ServerError."""
        server = self.running(key) or self._spawn(key, launch)
        deadline = time.monotonic() + launch.within_seconds
        while not await launch.ready():
            if server.exited.is_set():
                raise ServerError(f"The server of pod {key.pod} stopped while starting: {self._log_tail(key)}")
            if time.monotonic() > deadline:
                raise ServerError(f"The server of pod {key.pod} is not ready after {launch.within_seconds:.0f} s.")
            await asyncio.sleep(POLL_SECONDS)
        return server

    async def stop(self, key: PodKey, *, grace_seconds: float) -> None:
        """Stop a pod's server cleanly, or hard when it takes longer than the grace."""
        server = self.running(key)
        if server is None:
            return
        server.stopping = True
        _send(server.pid, server.record.stop_signal)
        try:
            async with asyncio.timeout(grace_seconds):
                await server.exited.wait()
        except TimeoutError:
            logger.warning("pod %s/%s: the server (pid %d) is killed", *key, server.pid)
            _send(server.pid, signal.SIGKILL)
            await server.exited.wait()
        logger.info("pod %s/%s: server stopped", *key)

    async def stop_all(self, *, grace_seconds: float) -> None:
        """Stop every server, all at the same time."""
        await asyncio.gather(*(self.stop(key, grace_seconds=grace_seconds) for key in list(self._servers)))

    def forget(self, key: PodKey) -> None:
        """Remove the record and the log of a stopped server whose pod is gone."""
        record = self._record(key)
        self._ports.release(record.port if record is not None else self._chosen.get(key, 0))
        self._chosen.pop(key, None)
        self._servers.pop(key, None)
        shutil.rmtree(self._folder(key), ignore_errors=True)
        with contextlib.suppress(OSError):
            self._folder(key).parent.rmdir()

    def folder(self, key: PodKey) -> Path:
        """Give the folder for what a pod's server needs besides its volume, made if missing."""
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def _records(self) -> Path:
        return self._root / "processes"

    def _folder(self, key: PodKey) -> Path:
        return self._records / key.namespace / key.pod

    def _record(self, key: PodKey) -> Record | None:
        try:
            read = json.loads((self._folder(key) / "record.json").read_text())
            owner = (str(read["owner"][0]), str(read["owner"][1]), str(read["owner"][2]))
            return Record(port=read["port"], stop_signal=read["stop_signal"], owner=owner, boot_id=str(read["boot_id"]))
        except (OSError, ValueError, KeyError, IndexError):
            return None

    def _spawn(self, key: PodKey, launch: Launch) -> Server:
        folder = self.folder(key)
        record = Record(port=launch.port, stop_signal=launch.stop_signal, owner=launch.owner, boot_id=self._boot_id)
        (folder / "process").unlink(missing_ok=True)
        _write(folder / "record.json", json.dumps(asdict(record)))
        self._ports.keep(launch.port)
        log = self.log_of(key)
        if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
            log.replace(folder / "server.log.1")
        with log.open("ab") as output:
            child = subprocess.Popen(
                ["sh", "-c", RECORD_THEN_BECOME, str(folder / "process"), *launch.argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        logger.info("pod %s/%s: server started on port %d (pid %d)", *key, launch.port, child.pid)
        return self._watch(key, Server(pid=child.pid, record=record, child=child))

    def _adopt(self, key: PodKey, record: Record) -> None:
        pid = _recorded_process(self._folder(key) / "process")
        if pid is None or record.boot_id != self._boot_id:
            return
        logger.info("pod %s/%s: adopted the running server on port %d (pid %d)", *key, record.port, pid)
        self._watch(key, Server(pid=pid, record=record))

    def _watch(self, key: PodKey, server: Server) -> Server:
        self._servers[key] = server
        try:
            descriptor = os.pidfd_open(server.pid)
        except ProcessLookupError:
            self._exited(key, server)
            return server
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self._exited(key, server)

        loop.add_reader(descriptor, gone)
        return server

    def _exited(self, key: PodKey, server: Server) -> None:
        if server.child is not None:
            server.child.wait()
        server.exited.set()
        if not server.stopping:
            logger.warning("pod %s/%s: the server (pid %d) exited", *key, server.pid)
            self._on_exit(server.record.owner, key, time.monotonic() - server.since)

    def _log_tail(self, key: PodKey) -> str:
        try:
            text = self.log_of(key).read_bytes()[-LOG_TAIL_BYTES:]
        except OSError:
            return "it left no log."
        return " / ".join(text.decode(errors="replace").splitlines()[-3:])


def _write(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


def _recorded_process(path: Path) -> int | None:
    """Give the process id of a record if the very same process still runs."""
    try:
        recorded = path.read_text()
        pid = int(recorded.split(maxsplit=1)[0])
        now = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, ValueError, IndexError):
        return None
    alive = _after_name(now)[0] not in {"Z", "X"}
    return pid if alive and _start_time(now) == _start_time(recorded) else None


def _after_name(stat: str) -> list[str]:
    return stat.rpartition(")")[2].split()


def _start_time(stat: str) -> str:
    return _after_name(stat)[19]


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
