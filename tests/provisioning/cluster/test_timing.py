"""That calls to a cluster are timed by cluster, verb and status."""

import pytest
from prometheus_client import REGISTRY

from provisioning.cluster.timing import Call


def timed(verb: str, status: str) -> float:
    labels = {"cluster": "canary", "verb": verb, "status": status}
    return REGISTRY.get_sample_value("dbaas_cluster_call_duration_seconds_count", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "query", "verb"),
    [
        ("GET", {}, "get"),
        ("GET", {"limit": "500"}, "list"),
        ("GET", {"watch": "true"}, "watch"),
        ("POST", {"fieldManager": "x"}, "create"),
        ("PATCH", {}, "patch"),
        ("DELETE", {}, "delete"),
    ],
)
def test_that_a_call_counts_under_its_verb(method: str, query: dict[str, str], verb: str) -> None:
    before = timed(verb, "200")

    with Call("canary", method, query) as call:
        call.status = 200

    assert timed(verb, "200") - before == 1


def test_that_a_call_without_an_answer_counts_as_that() -> None:
    before = timed("get", "none")

    with pytest.raises(ConnectionError), Call("canary", "GET", {}):
        raise ConnectionError

    assert timed("get", "none") - before == 1
