"""That the manifests are those that were read and agreed to, and that nothing an engine offers goes unwritten."""

import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.engine import Choice
from provisioning.engines import all_engines
from tests.provisioning.golden import files
from tests.provisioning.golden.cases import CASES


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of its own for the golden files, written."""
    files.write(tmp_path)
    return tmp_path


def test_that_the_files_are_what_the_code_makes() -> None:
    assert files.problems() == [], "read the difference after: python -m tests.provisioning.golden"


@pytest.mark.parametrize("engine", all_engines())
def test_that_every_mode_and_every_choice_is_written_down(engine: str) -> None:
    offered = {mode.name for mode in all_engines()[engine].modes}
    for mode in all_engines()[engine].modes:
        offered |= {word for known in mode.fields if isinstance(known, Choice) for word in known.allowed}

    topologies = [case.order.topology for case in CASES if case.engine == engine]

    assert offered <= {word for topology in topologies for word in topology.values() if isinstance(word, str)}


def test_that_names_of_cases_are_unique() -> None:
    assert len({case.file for case in CASES}) == len(CASES)


def test_that_files_just_written_have_no_problems(elsewhere: Path) -> None:
    assert files.problems(elsewhere) == []
    assert len(list(elsewhere.glob("*/*.yaml"))) == len(CASES)


def test_that_a_changed_a_missing_and_a_stale_file_are_told_apart(elsewhere: Path) -> None:
    (elsewhere / "postgres/standalone.yaml").write_text("kind: Other\n")
    (elsewhere / "mysql/standalone.yaml").unlink()
    (elsewhere / "redis/gone.yaml").write_text("")

    assert files.problems(elsewhere) == [
        "mysql/standalone.yaml: is missing",
        "postgres/standalone.yaml: differs from what the code makes",
        "redis/gone.yaml: belongs to no case",
    ]


def test_that_writing_removes_what_belongs_to_no_case(elsewhere: Path) -> None:
    (elsewhere / "redis/gone.yaml").write_text("")

    files.write(elsewhere)

    assert files.problems(elsewhere) == []


def test_that_the_command_line_checks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.provisioning.golden", "--check"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
