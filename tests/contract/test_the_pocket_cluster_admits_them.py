"""That every manifest passes admission, in the order in which we send it: over HTTP, with unknown fields refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from provisioning.cluster.kinds import kind_of
from provisioning.engine import Body
from tests.devcluster.apiserver.conftest import connect_to, namespace
from tests.devcluster.conftest import ApiServer, cluster
from tests.provisioning.golden.cases import CASES, NAMESPACE, Case

__all__ = ["cluster", "namespace"]


@pytest.fixture(scope="session")
def api(cluster: ApiServer) -> Iterator[httpx.Client]:
    """The pocket cluster, with the storage class that some cases name."""
    with connect_to(cluster) as client:
        fast = {"metadata": {"name": "fast"}, "provisioner": "example.com/fast"}
        assert client.post("/apis/storage.k8s.io/v1/storageclasses", json=fast).status_code in (201, 409)
        yield client


def moved(body: Any, namespace: str) -> Any:
    """Give the manifest as it is in another namespace."""
    if isinstance(body, dict):
        return {key: moved(part, namespace) for key, part in body.items()}
    if isinstance(body, list):
        return [moved(part, namespace) for part in body]
    return namespace if body == NAMESPACE else body


def send(api: httpx.Client, body: Body, namespace: str) -> httpx.Response:
    path = kind_of(body["apiVersion"], body["kind"]).path(namespace)
    return api.post(path, json=moved(body, namespace), params={"fieldValidation": "Strict"})


def holds(stored: Any, asked: Any) -> bool:
    """Tell whether everything that was asked for is in what was stored; defaults may come on top."""
    if isinstance(asked, dict):
        return all(key in stored and holds(stored[key], part) for key, part in asked.items())
    return bool(stored == asked)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_they_are_admitted_and_stored_as_sent(case: Case, api: httpx.Client, namespace: str) -> None:
    for body in case.manifests:
        answer = send(api, body, namespace)

        assert answer.status_code == 201, answer.text
        assert holds(answer.json(), moved(body, namespace))


def test_that_the_check_refuses_what_admission_refuses(api: httpx.Client, namespace: str) -> None:
    watched = next(case for case in CASES if str(case) == "redis-replicated")
    _, database = watched.manifests

    answer = send(api, database, namespace)

    assert answer.status_code == 403
    assert "RedisSentinel" in answer.json()["message"]
