"""What the processes of a server use of the machine, read from /proc at the moment of the question. Linux only.

A server is its first process with all descendants: PostgreSQL's backends lead process groups of their own, so groups say nothing.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SHORTEST_WINDOW_SECONDS = 2.0
"""Over less than that, ticks of 10 ms say too little."""
PARENT, USER_TICKS, STARTED = 1, 11, 19
"""Places of ppid, utime (then stime, cutime, cstime) and starttime after the name in /proc/PID/stat. Source: proc(5)."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """CPU over the last window, and memory now."""

    cpu_cores: float
    memory_bytes: int
    window_seconds: float


@dataclass(frozen=True, kw_only=True)
class _Reading:
    at: float
    cpu_seconds: float
    lasted_seconds: float


class Meter:
    """Measures servers; it remembers of each when it was asked last, so that CPU is what was used since then."""

    def __init__(self) -> None:
        self._last: dict[int, _Reading] = {}

    def measure(self, pids: list[int]) -> dict[int, Usage]:
        """Give the usage of those servers that still run, by the id of their first process."""
        stats = _all_stats()
        children: dict[int, list[int]] = {}
        for pid, fields in stats.items():
            children.setdefault(int(fields[PARENT]), []).append(pid)
        found = {pid: self._one(pid, _tree(pid, children), stats) for pid in pids if pid in stats}
        self._last = {pid: reading for pid, reading in self._last.items() if pid in stats}
        return found

    def _one(self, pid: int, tree: list[int], stats: dict[int, list[str]]) -> Usage:
        ticks = sum(int(field) for one in tree for field in stats[one][USER_TICKS : USER_TICKS + 4])
        age_seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - int(stats[pid][STARTED]) / TICKS_PER_SECOND
        now = _Reading(at=time.monotonic(), cpu_seconds=ticks / TICKS_PER_SECOND, lasted_seconds=max(age_seconds, 0.01))
        last = self._last.get(pid)
        if last is None or now.lasted_seconds < last.lasted_seconds:
            # The first question: since its start. A process id that came again has a shorter life.
            self._last[pid] = now
            return _usage(now.cpu_seconds, now.lasted_seconds, tree)
        window = now.at - last.at
        if window < SHORTEST_WINDOW_SECONDS:
            return _usage(now.cpu_seconds, now.lasted_seconds, tree)
        self._last[pid] = now
        return _usage(now.cpu_seconds - last.cpu_seconds, window, tree)


def _usage(cpu_seconds: float, window_seconds: float, tree: list[int]) -> Usage:
    memory = _memory_bytes(tree)
    return Usage(
        cpu_cores=max(0.0, cpu_seconds / window_seconds), memory_bytes=memory, window_seconds=round(window_seconds, 3)
    )


def _all_stats() -> dict[int, list[str]]:
    """Read the fields after the name of every process."""
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            text = Path(entry.path, "stat").read_text()
        except OSError:
            continue  # it has ended meanwhile
        found[int(entry.name)] = text.rpartition(")")[2].split()
    return found


def _tree(pid: int, children: dict[int, list[int]]) -> list[int]:
    tree = [pid]
    for one in tree:
        tree += children.get(one, [])
    return tree


def _memory_bytes(tree: list[int]) -> int:
    """Sum what each process has alone, and count once what they share (PostgreSQL's buffers are in every backend)."""
    alone, shared, files = 0, 0, 0
    for pid in tree:
        kib = _status_kib(pid)
        alone += kib.get("RssAnon", 0)
        shared = max(shared, kib.get("RssShmem", 0))
        files = max(files, kib.get("RssFile", 0))
    return (alone + shared + files) * 1024


def _status_kib(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    return {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Rss")}


def folder_bytes(folder: Path) -> int:
    """Give what the files of a folder take on disk; those that go away meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(parent, name)).st_blocks * 512
            except OSError:
                continue
    return total
