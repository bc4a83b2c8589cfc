"""That metrics are answered whatever else is broken, for one process or for all that share a folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dbaas.health import metrics
from tests.cast import Api

COUNT_TWICE = "from prometheus_client import Counter; Counter('canary_counted', 'x').inc(2)"


class Broken(Collector):
    """Works while it is registered, and never again."""

    def __init__(self) -> None:
        self.is_broken = False

    def collect(self) -> Iterator[Metric]:
        if self.is_broken:
            raise ConnectionError("secret=canary-address")
        yield GaugeMetricFamily("canary_gauge", "x", value=7)


@pytest.fixture
def broken() -> Iterator[Broken]:
    collector = Broken()
    metrics.register_collector(collector)
    yield collector
    metrics._system.unregister(collector)


@pytest.mark.django_db
def test_that_what_applications_add_is_shown(api: Api, broken: Broken) -> None:
    del broken

    assert b"canary_gauge 7.0" in api.get("/metrics").content


@pytest.mark.django_db
def test_that_a_broken_database_leaves_the_counters(api: Api, broken: Broken) -> None:
    broken.is_broken = True

    answer = api.get("/metrics")

    assert answer.status_code == 200
    assert b"python_info" in answer.content
    assert b"canary" not in answer.content


@pytest.mark.django_db
def test_that_processes_that_share_a_folder_are_added_up(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT_TWICE], env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    assert b"canary_counted_total 4.0" in api.get("/metrics").content


LOOK = """
from provisioning.counters import BREAKER_OPEN, CLAIMS
CLAIMS.inc(3)
BREAKER_OPEN.labels(cluster="canary").set({is_open})
"""


@pytest.mark.django_db
def test_that_only_what_is_counted_is_added_up(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for is_open in (1, 0):
        script = LOOK.format(is_open=is_open)
        subprocess.run([sys.executable, "-c", script], env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    lines = api.get("/metrics").content.decode().splitlines()

    assert "dbaas_claims_total 6.0" in lines
    assert [line for line in lines if line.startswith("dbaas_cluster_breaker_open{")] == [
        'dbaas_cluster_breaker_open{cluster="canary"} 0.0'
    ]
    assert [line for line in lines if line.startswith("dbaas_oldest_due_seconds")] == ["dbaas_oldest_due_seconds 0.0"]
