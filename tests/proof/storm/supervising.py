"""Processes in groups of their own that are started again whenever they die, as a service manager does; and the blows that they are dealt."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOKS_EVERY_SECONDS = 0.05
RESTARTS_AFTER_SECONDS = 0.5
"""Between two starts of one program, so that one that dies at once does not keep a core busy."""
_HEAD_START_SECONDS = 2.0


@dataclass(kw_only=True)
class Unit:
    """One program and the process that runs it now."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    stop_seconds: float = 10.0
    is_wanted: bool = False
    """Whether it is to run; one that is not wanted stays away once it has ended."""
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started_at: float = field(default=0.0, repr=False)

    @property
    def pid(self) -> int:
        """Return the process id, which is its group's too; 0 where nothing runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else 0

    @property
    def is_to_be_started(self) -> bool:
        """Tell whether it is wanted, does not run, and was not started a moment ago."""
        return self.is_wanted and not self.pid and time.monotonic() - self.started_at > RESTARTS_AFTER_SECONDS

    def send(self, number: signal.Signals) -> bool:
        """Signal the whole group; False where nothing runs."""
        pid = self.pid
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, number)
        return True


class Supervisor:
    """Keeps units running until it is told to stop them; a thread of its own looks after them."""

    def __init__(self, log_folder: Path, working_folder: Path) -> None:
        self.units: dict[str, Unit] = {}
        self._logs = log_folder
        self._working_folder = working_folder
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, unit: Unit) -> None:
        """Start the unit, and again whenever it ends."""
        with self._lock:
            self.units[unit.name] = unit
            unit.is_wanted = True
            self._start(unit)

    def kill(self, name: str) -> bool:
        """Kill -9 the unit with all its children; it is started again. False where nothing ran."""
        return self.units[name].send(signal.SIGKILL)

    def quit_at_once(self, name: str) -> bool:
        """Send SIGQUIT to the unit's first process alone, which PostgreSQL takes as an order to stop in the middle of everything."""
        pid = self.units[name].pid
        if pid:
            os.kill(pid, signal.SIGQUIT)
        return bool(pid)

    @contextlib.contextmanager
    def frozen(self, *names: str) -> Iterator[None]:
        """Stop the units in their tracks, without closing anything, as long as this block lasts."""
        for name in names:
            self.units[name].send(signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self._thaw(self.units[name].pid)

    def _thaw(self, leader: int) -> None:
        """Let the children of a frozen group run a moment earlier than the process that would kill them for having been away."""
        for pid in children_of(leader):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        time.sleep(_HEAD_START_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader, signal.SIGCONT) if leader else None

    def leave_dead(self, name: str) -> None:
        """Kill the unit and do not start it again."""
        self.units[name].is_wanted = False
        self.kill(name)
        self.wait_for_end(name, 5.0)

    @contextlib.contextmanager
    def absent(self, *names: str) -> Iterator[None]:
        """Kill the units and leave them dead as long as this block lasts."""
        for name in names:
            self.leave_dead(name)
        try:
            yield
        finally:
            for name in names:
                self.add(self.units[name])

    def end(self, name: str, seconds: float | None = None) -> float:
        """Ask the unit's first process to end, wait, kill what is left, and return how long it took; it is not started again."""
        unit = self.units[name]
        unit.is_wanted = False
        began = time.monotonic()
        unit.send(signal.SIGCONT)
        if unit.pid:
            os.kill(unit.pid, signal.SIGTERM)
        self.wait_for_end(name, unit.stop_seconds if seconds is None else seconds)
        took = time.monotonic() - began
        group = unit.process.pid if unit.process is not None else 0
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL) if group else None
        return took

    def wait_for_end(self, name: str, seconds: float) -> bool:
        """Wait until the unit's first process has ended; False where it has not in time."""
        process = self.units[name].process
        if process is None:
            return True
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, order: Sequence[Sequence[str]]) -> None:
        """End all units, group after group (those of one group together), and then look after nothing any more."""
        self._over.set()
        self._thread.join()
        for names in order:
            there = [name for name in names if name in self.units]
            enders = [threading.Thread(target=self.end, args=(name,)) for name in there]
            for thread in enders:
                thread.start()
            for thread in enders:
                thread.join()

    def _look_after(self) -> None:
        while not self._over.wait(LOOKS_EVERY_SECONDS):
            with self._lock:
                for unit in [one for one in self.units.values() if one.is_to_be_started]:
                    self._start(unit)

    def _start(self, unit: Unit) -> None:
        if unit.pid:
            return
        with (self._logs / f"{unit.name}.log").open("ab") as log:
            unit.process = subprocess.Popen(
                unit.command,
                cwd=self._working_folder,
                env=dict(unit.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        unit.started_at = time.monotonic()
        unit.starts += 1


def children_of(leader: int) -> list[int]:
    """Return the processes of a group except its leader, from /proc (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            group = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[2]
            if int(group) == leader and entry.parent.name != str(leader):
                found.append(int(entry.parent.name))
    return found


def processor_seconds(site_folder: Path) -> float:
    """Return the processor time that all processes of a site have taken so far, from /proc (Linux); children that ended are not in it."""
    wanted = f"DBAAS_DATA_DIR={site_folder}".encode()
    spent = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                after_name = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                spent += int(after_name[11]) + int(after_name[12])
    return spent / os.sysconf("SC_CLK_TCK")


def processes_about(folder: Path) -> list[int]:
    """Return the processes that were started for a folder: whose environment or command line names it."""
    wanted = str(folder).encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        with contextlib.suppress(OSError):
            named = (entry / "cmdline").read_bytes() + b"\0" + (entry / "environ").read_bytes()
            if wanted in named and pid != os.getpid():
                found.append(pid)
    return found
