"""That curves come out of Prometheus' answers, and that no answer of its can hurt."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from provisioning.engines import all_engines
from provisioning.metrics import prometheus
from provisioning.metrics.catalogue import Curves
from provisioning.metrics.prometheus import MetricsUnavailable, Prometheus
from provisioning.metrics.window import Window
from tests.provisioning.metrics.server import PrometheusServer, matrix

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
NEXT = START + timedelta(seconds=30)
WINDOW = Window(start=START, end=START + timedelta(hours=1), step_seconds=30)
NAME = "pg-0kq3v9x2m7c5b8n4d6f1g0h2j3"


def curves(url: str, *, engine: str = "postgres", object_name: str = NAME) -> Curves:
    names = all_engines()[engine].metrics
    assert names is not None
    return Prometheus(url).curves(namespace="tenant-a", object_name=object_name, names=names, window=WINDOW)


@pytest.fixture
def server() -> Iterator[PrometheusServer]:
    """A Prometheus that knows nothing until a test tells it."""
    with PrometheusServer() as running:
        yield running


def at(moment: datetime, value: str) -> tuple[float, str]:
    return moment.timestamp(), value


def test_that_pods_are_added_up_moment_by_moment(server: PrometheusServer) -> None:
    first = ({"pod": f"{NAME}-0"}, [at(START, "100"), at(NEXT, "NaN")])
    second = ({"pod": f"{NAME}-1"}, [at(START, "50"), at(NEXT, "60")])
    server.answers["container_cpu_usage_seconds_total"] = matrix(first, second)

    found = curves(server.url)["cpu_used_millicores"]

    assert found.points == ((START, 150.0), (NEXT, 60.0))
    assert found.pods[f"{NAME}-0"] == ((START, 100.0),)


def test_that_what_is_free_is_told_by_pod_of_the_claims(server: PrometheusServer) -> None:
    claim = {"persistentvolumeclaim": f"data-{NAME}-0"}
    server.answers["volume_stats_used"] = matrix((claim, [at(START, "4")]))
    server.answers["volume_stats_capacity"] = matrix((claim, [at(START, "10"), at(NEXT, "10")]))

    found = curves(server.url)

    assert found["storage_free_gib"].points == ((START, 6.0),)
    assert set(found["storage_free_gib"].pods) == {f"{NAME}-0"}


def test_that_engines_are_asked_by_their_own_names(server: PrometheusServer) -> None:
    server.answers["pg_stat_activity_count"] = matrix(({}, [at(START, "7")]))

    found = curves(server.url)

    queries = [asked["query"] for asked in server.asked]
    assert found["connections"].points == ((START, 7.0),)
    assert {asked["path"] for asked in server.asked} == {"/api/v1/query_range"}
    assert {asked["step"] for asked in server.asked} == {"30"}
    hits = [query for query in queries if "blks_hit" in query]
    assert len(hits) == 1
    assert f'namespace="tenant-a",pod=~"{NAME}(-[a-z0-9]+)*-[0-9]+"' in hits[0]
    assert "[120s]" in hits[0]


@pytest.mark.parametrize("engine", all_engines())
def test_that_every_engine_can_be_asked(server: PrometheusServer, engine: str) -> None:
    found = curves(server.url, engine=engine)

    assert found["memory_used_mib"].points == ()
    assert "operations_per_second" in found


def test_that_labels_of_series_get_into_the_query(server: PrometheusServer) -> None:
    curves(server.url, engine="mongodb")

    assert any('conn_type="available"' in asked["query"] for asked in server.asked)


@pytest.mark.parametrize("name", ['x"} or vector(1) #', "", "Upper", "-x"])
def test_that_only_names_of_ours_get_into_a_query(server: PrometheusServer, name: str) -> None:
    with pytest.raises(ValueError, match="not one of ours"):
        curves(server.url, object_name=name)

    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, matrix()),
        (200, {"status": "error", "data": {"result": []}}),
        (200, {"status": "success"}),
        (200, {"status": "success", "data": {"result": [{"metric": {}, "values": [["x", "y"]]}]}}),
    ],
)
def test_that_an_answer_that_is_none_is_a_source_that_is_down(
    server: PrometheusServer, status: int, said: dict[str, object]
) -> None:
    server.status = status
    server.answers["container_cpu"] = said

    with pytest.raises(MetricsUnavailable):
        curves(server.url)


def test_that_nobody_listening_is_a_source_that_is_down() -> None:
    with pytest.raises(MetricsUnavailable):
        curves("http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("query_seconds", "all_queries_seconds", "asked"), [(0.1, 60.0, 1), (60.0, 0.25, 2), (60.0, 0.0, 0)]
)
def test_that_a_slow_source_is_not_waited_for(
    server: PrometheusServer,
    monkeypatch: pytest.MonkeyPatch,
    query_seconds: float,
    all_queries_seconds: float,
    asked: int,
) -> None:
    monkeypatch.setattr(prometheus, "QUERY_SECONDS", query_seconds)
    monkeypatch.setattr(prometheus, "ALL_QUERIES_SECONDS", all_queries_seconds)
    server.pause_seconds = 0.2

    with pytest.raises(MetricsUnavailable):
        curves(server.url)

    assert len(server.asked) <= asked
