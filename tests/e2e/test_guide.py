"""That the guide works as it stands: every block of it in the index's order, run by a plain shell against a running system."""

import os
import subprocess
import threading

import pytest

from laptop.layout import ROOT
from tests.docs.guide import guide_pages
from tests.docs.pages import blocks_of
from tests.e2e.system import System

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("stories")]

WITHIN_SECONDS = 200
LOOK_AFTER_EVERY_SECONDS = 2.0
"""The scheduler asks for it once a minute, which is as long as the page on moments would wait."""


def test_that_the_guide_works_line_by_line(system: System) -> None:
    script = "\n".join(body for page in guide_pages() for words, body in blocks_of(page) if words == "sh guide")
    is_told = threading.Event()
    scheduler = threading.Thread(target=look_after_until, args=(system, is_told))
    scheduler.start()

    try:
        told = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=ROOT,
            env={**os.environ, "BASE": system.base},
            capture_output=True,
            text=True,
            check=False,
            timeout=WITHIN_SECONDS,
        )
    finally:
        is_told.set()
        scheduler.join()

    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stdout + told.stderr
    assert lines.count("2") >= 5, "the rows were read after each change that could have lost them"
    assert {"77", "paused", "18.3", "deleted", "final", "database.deletion_protected"} <= set(lines), told.stdout
    assert lines[-1] == "0"


def look_after_until(system: System, is_told: threading.Event) -> None:
    while not is_told.wait(LOOK_AFTER_EVERY_SECONDS):
        system.look_after()
