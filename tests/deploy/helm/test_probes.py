"""Tests that the kubelet asks what exists, and restarts nothing that others are to blame for."""

from typing import Any

import pytest
from django.urls import resolve

from dbaas.health import checks
from tests.deploy.commands import ROOT, faults_of
from tests.deploy.helm.rendering import Body, objects, of_kind, one, pods

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
RESTART_MEMORY_SECONDS = 600
"""After so long without a restart the kubelet forgets that there was one, and does not wait before the next."""


def container_of(process: str) -> Body:
    found: Body = dict(pods(objects("minimal")))[f"dbaas-{process}"]["containers"][0]
    return found


def asked(process: str) -> list[str]:
    command: list[str] = container_of(process)["livenessProbe"]["exec"]["command"]
    return command


def test_that_web_is_asked_at_its_health_routes() -> None:
    container = container_of("web")
    ports = {port["name"] for port in container["ports"]}

    paths = {name: container[name]["httpGet"]["path"] for name in PROBES}

    assert paths == {
        "startupProbe": "/health/startup",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }
    assert all(resolve(path) for path in paths.values())
    assert {container[name]["httpGet"]["port"] for name in PROBES} <= ports


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("process", "check"), [("webhooks", "webhooks"), ("beat", "dispatcher"), ("watcher", "clusters")]
)
def test_that_a_process_without_a_port_is_asked_after_what_it_is_for(process: str, check: str) -> None:
    *_, program, address, name = asked(process)

    assert (ROOT / program).is_file()
    assert name == check
    assert check in {result.name for result in checks.run_all()}
    assert address == f"http://dbaas-web:{service_port()}/health/ready"


def test_that_a_worker_is_asked_by_a_command_that_exists() -> None:
    assert faults_of(asked("worker")[-1]) == []


@pytest.mark.parametrize("process", ["worker", "webhooks", "beat", "watcher"])
def test_that_what_a_dead_broker_or_cluster_fails_is_not_restarted_ever_more_slowly(process: str) -> None:
    probe = container_of(process)["livenessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] >= RESTART_MEMORY_SECONDS


@pytest.mark.django_db
def test_that_the_release_s_test_asks_for_every_check() -> None:
    (test,) = of_kind(objects("minimal"), "Pod")

    told = [container["command"][-1] for container in test["spec"]["containers"]]

    assert sorted(told) == [result.name for result in checks.run_all()]


def service_port() -> Any:
    return one(objects("minimal"), "Service", "dbaas-web")["spec"]["ports"][0]["port"]
