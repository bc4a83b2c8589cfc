"""That what happened to a database and what it logs is answered over HTTP, to those who may see it."""

from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from provisioning.cluster.client import Gateway
from provisioning.models import Cluster, Database
from tests.cast import Api, body_of, problem
from tests.provisioning.metrics.server import PrometheusServer, matrix
from tests.provisioning.services.test_logs import add_pod

URL = "/api/v1/databases"


def test_that_events_are_listed(api: Api, bob: User, database: Database) -> None:
    answer = api.by(bob).get(f"{URL}/{database.id}/events", limit=1)

    body = body_of(answer)
    assert answer.status_code == 200
    assert (body["next_before"], body["partial"], body["partial_reason"]) == (body["items"][-1]["at"], False, None)
    assert set(body["items"][0]) == {"id", "at", "source", "type", "reason", "message", "count", "operation"}
    following = body_of(api.by(bob).get(f"{URL}/{database.id}/events", before=body["next_before"]))
    assert following["items"][0]["at"] < body["items"][-1]["at"]


def test_that_a_silent_cluster_leaves_a_partial_list(api: Api, bob: User, database: Database) -> None:
    Cluster.objects.filter(pk=database.cluster_id).update(kubeconfig_path="/nonexistent/kubeconfig")

    answer = api.by(bob).get(f"{URL}/{database.id}/events")

    assert answer.status_code == 200
    assert body_of(answer)["partial"] is True
    assert body_of(answer)["items"]


def test_that_lines_are_read_and_not_stored(api: Api, alice: User, database: Database, kube: Gateway) -> None:
    pod = add_pod(kube, database, 0, "one\ntwo\n", role="primary")

    answer = api.by(alice).get(f"{URL}/{database.id}/logs", lines=1)

    assert body_of(answer) == {"pod": pod, "container": "postgres", "lines": ["two"], "truncated": False}
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("route", "query"),
    [
        ("events", {"limit": 201}),
        ("events", {"limit": 0}),
        ("events", {"before": "soon"}),
        ("logs", {"lines": 1001}),
        ("metrics", {"from": "yesterday"}),
        ("metrics", {"step": 0}),
        ("metrics", {"step": 1}),
    ],
)
def test_that_queries_are_checked(
    api: Api, alice: User, database: Database, route: str, query: dict[str, object]
) -> None:
    assert problem(api.by(alice).get(f"{URL}/{database.id}/{route}", **query)) == (400, "request.invalid")


@pytest.mark.parametrize("route", ["events", "logs", "metrics"])
def test_that_a_stranger_finds_nothing(api: Api, charlie: User, database: Database, route: str) -> None:
    assert problem(api.by(charlie).get(f"{URL}/{database.id}/{route}")) == (404, "database.not_found")


def test_that_a_viewer_reads_no_log(api: Api, bob: User, database: Database) -> None:
    assert problem(api.by(bob).get(f"{URL}/{database.id}/logs")) == (403, "permission.denied")


def test_that_a_simulated_database_says_so(api: Api, alice: User, database: Database) -> None:
    Database.objects.filter(pk=database.pk).update(simulated=True)

    assert problem(api.by(alice).get(f"{URL}/{database.id}/logs")) == (409, "database.simulated")


def metrics_in(body: dict[str, Any]) -> dict[str, list[Any]]:
    return {metric["name"]: metric["points"] for metric in body["metrics"]}


def test_that_the_present_moment_is_measured_without_a_prometheus(
    api: Api, bob: User, database: Database, kube: Gateway
) -> None:
    add_pod(kube, database, 0, None)

    answer = api.by(bob).get(f"{URL}/{database.id}/metrics")

    body = body_of(answer)
    assert answer["Cache-Control"] == "private, max-age=10"
    assert (body["source"], body["simulated"], body["step_seconds"]) == ("cluster", False, 0)
    assert body["note"].startswith("Incomplete: ")
    assert metrics_in(body)["cpu_limit_millicores"] == [[body["to"], 0.0]]
    assert metrics_in(body)["connections"] == []


def test_that_a_window_is_asked_from_prometheus(api: Api, bob: User, database: Database, settings: Settings) -> None:
    with PrometheusServer() as server:
        settings.PROMETHEUS_URL = server.url
        server.answers["pg_settings_max_connections"] = matrix(({}, [(1769860800.0, "100")]))
        window = {"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T13:00:00Z", "step": 60}

        body = body_of(api.by(bob).get(f"{URL}/{database.id}/metrics", **window))

    assert (body["source"], body["step_seconds"], body["note"]) == ("prometheus", 60, None)
    assert (body["from"], body["to"]) == ("2026-01-31T12:00:00.000Z", "2026-01-31T13:00:00.000Z")
    assert metrics_in(body)["connections_max"] == [["2026-01-31T12:00:00.000Z", 100.0]]
    assert all(database.object_name in asked["query"] for asked in server.asked)


def test_that_a_source_that_is_down_is_a_problem_with_a_code(
    api: Api, bob: User, database: Database, settings: Settings
) -> None:
    settings.PROMETHEUS_URL = "http://127.0.0.1:1"
    without_prometheus = problem(api.by(bob).get(f"{URL}/{database.id}/metrics"))
    settings.PROMETHEUS_URL = ""
    Cluster.objects.filter(pk=database.cluster_id).update(kubeconfig_path="/nonexistent/kubeconfig")

    without_cluster = problem(api.by(bob).get(f"{URL}/{database.id}/metrics"))

    assert without_prometheus == without_cluster == (503, "metrics.unavailable")


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"simulated": True}, "simulates"),
        ({"is_live": False, "state": "deleted"}, "deleted"),
        ({"state": "paused"}, "paused"),
        ({"phase": "Halted"}, "paused"),
    ],
)
def test_that_nothing_to_measure_is_said(
    api: Api, bob: User, database: Database, columns: dict[str, object], word: str
) -> None:
    Database.objects.filter(pk=database.pk).update(**columns)

    body = body_of(api.by(bob).get(f"{URL}/{database.id}/metrics"))

    assert word in body["note"]
    assert body["simulated"] is bool(columns.get("simulated"))
    assert not any(metrics_in(body).values())
    assert len(body["metrics"]) == 12
