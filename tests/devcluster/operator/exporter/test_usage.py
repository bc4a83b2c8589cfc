"""That a server's use of the machine is what its processes use together."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.operator.exporter import usage
from devcluster.operator.exporter.usage import Meter, Usage, folder_bytes

pytestmark = pytest.mark.processes
BUSY_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; x = bytearray(64 << 20)\\nwhile True: pass"], start_new_session=True)
try:
    sys.stdin.read()
finally:
    child.kill()
    child.wait()
"""


@pytest.fixture
def parent() -> Iterator[int]:
    """An idle process whose child, a session of its own, works and holds 64 MiB."""
    process = subprocess.Popen([sys.executable, "-c", BUSY_CHILD], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate()


def eventually(meter: Meter, pid: int, *, least_cores: float) -> Usage:
    deadline = time.monotonic() + 10
    while True:
        found = meter.measure([pid])[pid]
        if found.cpu_cores >= least_cores and found.memory_bytes > 64 * 2**20:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def test_that_children_count_and_a_window_begins_at_the_last_question(
    parent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "SHORTEST_WINDOW_SECONDS", 0.2)
    meter = Meter()
    meter.measure([parent])

    found = eventually(meter, parent, least_cores=0.1)

    assert found.cpu_cores < 1.5
    assert found.window_seconds < 10
    assert found.memory_bytes < 512 * 2**20


def test_that_a_process_that_is_gone_has_no_usage() -> None:
    process = subprocess.Popen(["true"])
    process.wait()

    assert Meter().measure([process.pid]) == {}


def test_that_a_folder_is_as_large_as_what_lies_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"x" * 100_000)

    assert 100_000 <= folder_bytes(tmp_path) < 200_000
    assert folder_bytes(tmp_path / "nothing") == 0
