"""Tests of the Procfile: the same processes as docker-compose.yml, each with a command that exists."""

import pytest

from tests.deploy.commands import ROOT, faults_of

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())


def test_that_it_names_the_processes_of_the_product() -> None:
    assert list(LINES) == ["web", "worker", "webhooks", "beat", "watcher", "flower"]


@pytest.mark.parametrize("name", LINES)
def test_that_the_command_exists(name: str) -> None:
    assert faults_of(LINES[name]) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("manage.py unheard_of", "manage.py knows no unheard_of"),
        ("granian --blocking-thread 4", "--blocking-thread"),
        ("uvicorn dbaas", "unknown program: uvicorn dbaas"),
    ],
)
def test_that_a_command_that_does_not_exist_is_found(line: str, fault: str) -> None:
    assert faults_of(line) == [fault]
