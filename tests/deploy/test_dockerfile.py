"""Tests of the Dockerfile without Docker: its files exist, its build step works on the settings, nothing runs as root."""

import re
from functools import cache

import pytest

from tests.deploy.commands import ROOT, faults_of, production_settings, run

DOCKERFILE = ROOT / "deploy/docker/Dockerfile"


@cache
def instructions() -> list[tuple[str, str]]:
    """Return each instruction with its arguments, continued lines joined and comments left out."""
    lines = [line for line in DOCKERFILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(word, rest.strip()) for word, _, rest in found]


def arguments(word: str) -> list[str]:
    return [rest for found, rest in instructions() if found == word]


def copied() -> list[str]:
    """Return the paths that are copied from the project."""
    return [path for rest in arguments("COPY") if "--from" not in rest for path in rest.split()[:-1]]


@pytest.mark.parametrize("path", copied())
def test_that_what_is_copied_exists_and_is_sent_to_the_builder(path: str) -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"]

    assert (ROOT / path).exists()
    assert path in sent


def test_that_nothing_is_sent_to_the_builder_but_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_that_the_packages_of_the_product_are_in_the_image() -> None:
    apps = {"accounts", "dbaas", "provisioning", "tenants", "webhooks"}

    assert apps <= set(copied())


def test_that_the_build_step_gives_the_settings_all_they_want() -> None:
    step = next(rest for rest in arguments("RUN") if "collectstatic" in rest)
    variables = dict(re.findall(r"\b([A-Z_]+)=(\S+)", step))

    assert production_settings(variables, "settings.STATIC_ROOT") == "/var/lib/dbaas/static"
    assert not any("SECRET" in rest or "PEPPER" in rest for rest in arguments("ENV"))


def test_that_packages_come_with_their_hashes_checked_and_as_wheels() -> None:
    install = next(rest for rest in arguments("RUN") if "pip install" in rest)

    assert "--require-hashes" in install
    assert "--only-binary :all:" in install


def test_that_nothing_runs_as_root() -> None:
    last_stage = instructions()[max(place for place, (word, _) in enumerate(instructions()) if word == "FROM") :]

    assert [rest for word, rest in last_stage if word == "USER"] == ["10001:10001"]


def test_that_the_health_check_exists_and_tells_a_dead_server() -> None:
    command = re.findall(r'"([^"]+)"', arguments("HEALTHCHECK")[0])

    done = run([*command[:2], "http://127.0.0.1:1/health/live"])

    assert command[-1] == "http://127.0.0.1:8000/health/live"
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_that_the_default_command_is_one_that_the_image_has() -> None:
    command = re.findall(r'"([^"]+)"', arguments("CMD")[0])

    assert faults_of(" ".join(command)) == []
