"""Tests of docker-compose.yml without Docker: it names commands, variables, secrets and files that exist."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbaas.settings.env import Environment
from tests.deploy.commands import ROOT, faults_of, production_settings, run

OURS = ("migrate", "web", "worker", "webhooks", "beat", "watcher", "flower")
SECRETS = "/run/secrets/"
NOT_SETTINGS = {"PROMETHEUS_MULTIPROC_DIR", "REMAP_SIGTERM"}
"""Read by the metrics library and by Celery."""


@cache
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"][name]
    return found


def referenced_secrets() -> Iterator[tuple[str, str]]:
    """Give each service with each file under /run/secrets/ that it reads."""
    for name, body in compose()["services"].items():
        texts = [
            *body.get("environment", {}).values(),
            *body.get("command", []),
            *body.get("healthcheck", {}).get("test", []),
        ]
        for text in map(str, texts):
            yield from ((name, part.split('"')[0].split(")")[0]) for part in text.split(SECRETS)[1:])


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    done = run([str(ROOT / "deploy/docker/make-secrets"), str(folder)])
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", OURS)
def test_that_the_command_is_one_that_the_image_has(name: str) -> None:
    assert faults_of(" ".join(service(name)["command"])) == []


def test_that_the_workers_health_check_is_a_command_that_exists() -> None:
    assert faults_of(service("worker")["healthcheck"]["test"][1]) == []


@pytest.mark.parametrize("name", OURS)
def test_that_every_variable_is_one_that_something_reads(name: str) -> None:
    settings = {field.upper() for field in Environment.model_fields}

    given = {variable.removesuffix("_FILE") for variable in service(name)["environment"]}

    assert given - settings - NOT_SETTINGS == set()


def test_that_every_secret_that_is_read_is_mounted() -> None:
    missing = [(name, secret) for name, secret in referenced_secrets() if secret not in service(name)["secrets"]]

    assert missing == []
    assert len(list(referenced_secrets())) > 20


def test_that_the_script_makes_every_secret_that_compose_mounts(secrets: Path) -> None:
    mounted = {Path(body["file"]).name for body in compose()["secrets"].values()}

    assert {path.name for path in secrets.iterdir()} == mounted
    assert {Path(body["file"]).parent for body in compose()["secrets"].values()} == {Path("deploy/docker/secrets")}


def test_that_secrets_are_made_once(secrets: Path) -> None:
    before = {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()}

    run([str(ROOT / "deploy/docker/make-secrets"), str(secrets)])

    assert {path.name: path.read_text(encoding="utf-8") for path in secrets.iterdir()} == before


def test_that_nobody_else_gets_into_the_folder_of_secrets(secrets: Path) -> None:
    assert secrets.stat().st_mode & 0o777 == 0o700


def test_that_the_settings_accept_what_compose_gives(secrets: Path) -> None:
    given = {
        name: str(value).replace(SECRETS, f"{secrets}/")
        for name, value in service("web")["environment"].items()
        if name.endswith("_FILE")
    }

    told = production_settings(given, "settings.DATABASES['default']['HOST'], settings.CELERY['broker_url'][-14:]")

    assert told == "postgres @broker:6379/0"


def test_that_ports_are_opened_for_this_machine_only() -> None:
    ports = [port for body in compose()["services"].values() for port in body.get("ports", [])]

    assert len(ports) == 4
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", OURS[1:])
def test_that_every_process_comes_back_and_is_looked_after(name: str) -> None:
    body = service(name)

    assert body["restart"] == "unless-stopped"
    assert body["read_only"] is True
    assert "test" in body.get("healthcheck", {"test": "the image's own"})


def test_that_everything_waits_for_the_migrations() -> None:
    waiting = [name for name in OURS if "migrate" in service(name)["depends_on"]]

    assert waiting == ["web", "worker", "webhooks", "beat", "watcher"]


@pytest.mark.parametrize("check", ["webhooks", "dispatcher", "clusters"])
def test_that_health_checks_ask_for_checks_that_exist(check: str) -> None:
    asked = [body["healthcheck"]["test"][-1] for name, body in compose()["services"].items() if name in OURS[3:6]]

    assert check in asked
    places = [(ROOT / f"{app}/health.py").read_text(encoding="utf-8") for app in ("provisioning", "webhooks")]
    assert any(f'register("{check}"' in text for text in places)
