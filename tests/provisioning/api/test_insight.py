"""That what happened to a database and what it logs is answered over HTTP, to those who may see it."""

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway
from provisioning.models import Cluster, Database
from tests.cast import Api, body_of, problem
from tests.provisioning.services.test_logs import add_pod

URL = "/api/v1/databases"


def test_that_events_are_listed(api: Api, bob: User, database: Database) -> None:
    answer = api.by(bob).get(f"{URL}/{database.id}/events", limit=1)

    body = body_of(answer)
    assert answer.status_code == 200
    assert (body["next_before"], body["partial"], body["partial_reason"]) == (body["items"][-1]["at"], False, None)
    assert set(body["items"][0]) == {"at", "source", "type", "reason", "message", "count", "operation"}
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
    [("events", {"limit": 201}), ("events", {"limit": 0}), ("events", {"before": "soon"}), ("logs", {"lines": 1001})],
)
def test_that_queries_are_checked(
    api: Api, alice: User, database: Database, route: str, query: dict[str, object]
) -> None:
    assert problem(api.by(alice).get(f"{URL}/{database.id}/{route}", **query)) == (400, "request.invalid")


@pytest.mark.parametrize("route", ["events", "logs"])
def test_that_a_stranger_finds_nothing(api: Api, charlie: User, database: Database, route: str) -> None:
    assert problem(api.by(charlie).get(f"{URL}/{database.id}/{route}")) == (404, "database.not_found")


def test_that_a_viewer_reads_no_log(api: Api, bob: User, database: Database) -> None:
    assert problem(api.by(bob).get(f"{URL}/{database.id}/logs")) == (403, "permission.denied")


def test_that_a_simulated_database_says_so(api: Api, alice: User, database: Database) -> None:
    Database.objects.filter(pk=database.pk).update(simulated=True)

    assert problem(api.by(alice).get(f"{URL}/{database.id}/logs")) == (409, "database.simulated")
