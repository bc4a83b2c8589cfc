"""That a machine that lacks something is told so in one sentence, before anything is made."""

import os
import subprocess
from pathlib import Path

import pytest

from laptop.layout import ROOT


def make_venv(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    line = ["sh", str(ROOT / "scripts" / "make-venv"), python, "0.0"]
    return subprocess.run(
        line, cwd=folder, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )


def fake_python(folder: Path, script: str) -> str:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_that_a_missing_python_is_named(tmp_path: Path) -> None:
    refused = make_venv(tmp_path, "python-of-nowhere")

    assert refused.returncode == 1
    assert (
        refused.stderr
        == "Python 3.11 or newer is needed and 'python-of-nowhere' is not installed: install python3 and python3-venv.\n"
    )


def test_that_an_old_python_is_named(tmp_path: Path) -> None:
    old = fake_python(tmp_path, 'case "$1" in -V) echo "Python 3.9.2" ;; *) exit 1 ;; esac')

    refused = make_venv(tmp_path, old)

    assert refused.returncode == 1
    assert "is Python 3.9.2" in refused.stderr
    assert not (tmp_path / ".venv").exists()


def test_that_a_python_without_venv_is_named(tmp_path: Path) -> None:
    bare = fake_python(tmp_path, 'case "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac')

    refused = make_venv(tmp_path, bare)

    assert (refused.returncode, refused.stderr) == (1, "Python's venv module is missing: install python3-venv.\n")


@pytest.mark.parametrize("target", ["help", ""])
def test_that_make_alone_lists_what_can_be_made(target: str) -> None:
    helped = subprocess.run(
        ["make", *([target] if target else [])], cwd=ROOT, capture_output=True, text=True, check=True
    )

    listed = [line.split()[1] for line in helped.stdout.splitlines()]
    assert {"help", "demo", "run", "stop", "test", "check", "lint", "types", "clean"} <= set(listed)
