"""That the README's tour works as it stands: the very block, run by a plain shell against a running system."""

import os
import re
import subprocess

import pytest

from laptop.layout import ROOT
from tests.e2e.system import System

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]


def test_that_the_tour_in_the_readme_works_line_by_line(system: System) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```sh tour\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert block is not None

    toured = subprocess.run(
        ["sh", "-eu", "-c", block.group(1)],
        cwd=ROOT,
        env={**os.environ, "BASE": system.base},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert toured.returncode == 0, toured.stdout + toured.stderr
    assert "PostgreSQL 17" in toured.stdout
    assert toured.stdout.splitlines()[-1] == "deleted"
