"""How the tests run what a deployment file names: with the programs of this virtual environment, as an image has them in its PATH."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60
PROGRAMS = (
    "granian",
    "celery flower",
    "python -m dbaas.processes alive",
    "python -m dbaas.processes worker",
    "python -m dbaas.processes beat",
)
_SILENT_ABOUT_OPTIONS = ("celery flower",)
"""Its help leaves out the options that it hands on to its web server."""


def run(command: Sequence[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the project's folder, with these variables and the machine's PATH but nothing else of its environment."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_SECONDS
    )


def production_settings(variables: Mapping[str, str], expression: str) -> str:
    """Return what the expression on the production settings gives, under these variables; where they refuse, what they say."""
    script = f"import dbaas.settings.production as settings; print({expression})"
    done = run([sys.executable, "-c", script], **variables)
    return done.stdout.strip() or done.stderr


def faults_of(line: str) -> list[str]:
    """Return what is wrong with a command line: a program that does not answer `--help`, or options of which its help knows nothing."""
    line = re.sub(r"^(sh -c )?([A-Z_]+=(\"[^\"]*\"|\S+) )*(exec )?", "", line)
    if command := re.match(r"(?:python )?manage\.py (\w+)", line):
        return [] if command[1] in get_commands() else [f"manage.py knows no {command[1]}"]
    program = next((program for program in PROGRAMS if line.startswith(program)), None)
    if program is None:
        return [f"unknown program: {line}"]
    told = _help_of(program)
    if "sage: " not in told:
        return [told]
    if program in _SILENT_ABOUT_OPTIONS:
        return []
    known = re.findall(r"--[a-z-]+", told)
    return [option for option in re.findall(r" (--[a-z-]+)", line.removeprefix(program)) if option not in known]


@cache
def _help_of(program: str) -> str:
    done = run([*program.split(), "--help"], DJANGO_SETTINGS_MODULE="dbaas.settings.test")
    return done.stdout if done.returncode == 0 else done.stderr
