"""That a killed program is started again, that a frozen one stands still, and that nothing is left when all is stopped."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proof.storm.site import wait_until
from tests.proof.storm.supervising import Supervisor, Unit, processes_about

pytestmark = [pytest.mark.processes]

_COUNT = "import sys, time, pathlib\nwhile True:\n  pathlib.Path(sys.argv[1]).write_text(str(time.monotonic()))\n  time.sleep(0.02)\n"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path, tmp_path)
    beats = tmp_path / "beats"
    command = [sys.executable, "-c", _COUNT, str(beats)]
    running.add(Unit(name="clock", command=command, environment=dict(os.environ), folder=tmp_path, stop_seconds=2))
    wait_until("it beats", beats.exists, 10)
    yield running
    running.stop([["clock"]])


def test_that_a_killed_program_is_started_again(supervisor: Supervisor) -> None:
    unit = supervisor.units["clock"]
    before = unit.pid

    assert supervisor.kill("clock")

    wait_until("another one runs", lambda: unit.pid not in (0, before), 10)


def test_that_a_frozen_program_stands_still_and_goes_on(supervisor: Supervisor, tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    with supervisor.frozen("clock"):
        time.sleep(0.1)  # a signal takes a moment to arrive
        before = beats.read_text()
        time.sleep(0.2)
        assert beats.read_text() == before

    wait_until("it beats again", lambda: beats.read_text() != before, 10)


def test_that_an_absent_program_is_away_and_then_back(supervisor: Supervisor) -> None:
    with supervisor.absent("clock"):
        time.sleep(1.0)
        assert supervisor.units["clock"].pid == 0

    assert supervisor.units["clock"].pid


def test_that_nothing_is_left_when_all_is_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    assert processes_about(tmp_path)

    supervisor.stop([["clock"]])

    wait_until("nothing is left", lambda: not processes_about(tmp_path), 5)
