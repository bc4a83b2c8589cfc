"""What a tree of processes costs, read from /proc (Linux)."""

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def idle_cpu_percent(root_pid: int, *, seconds: float) -> float:
    """Return the processor time that `root_pid` and all its descendants take over `seconds`, in percent of one core."""
    before = _cpu_seconds(root_pid)
    began = time.monotonic()
    time.sleep(seconds)
    spent = sum(after - before.get(pid, 0.0) for pid, after in _cpu_seconds(root_pid).items())
    return 100 * spent / (time.monotonic() - began)


def _cpu_seconds(root_pid: int) -> dict[int, float]:
    parents: dict[int, int] = {}
    spent: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it ended between the listing and the look
        pid = int(entry.parent.name)
        parents[pid] = int(after_name[1])
        spent[pid] = (int(after_name[11]) + int(after_name[12])) / _TICKS
    family = {root_pid}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return {pid: spent[pid] for pid in family if pid in spent}
