"""Databases without a server behind them go through the same life, and say that they are simulated."""

import pytest

from tests.devcluster.operator.conftest import STORAGE, Body, Namespace

pytestmark = pytest.mark.processes

CASES: list[tuple[str, str, Body, int, set[str]]] = [
    ("mysqls", "MySQL", {"version": "8.4.8", "storage": STORAGE}, 1, {"x", "x-pods"}),
    (
        "mongodbs",
        "MongoDB",
        {"version": "8.0.17", "storage": STORAGE, "replicas": 3, "replicaSet": {"name": "rs0"}},
        3,
        {"x", "x-pods"},
    ),
    (
        "elasticsearches",
        "Elasticsearch",
        {"version": "xpack-9.2.3", "storage": STORAGE},
        1,
        {"x", "x-master", "x-pods"},
    ),
    ("postgreses", "Postgres", {"version": "16.8", "storage": STORAGE}, 1, {"x", "x-pods"}),
]


@pytest.mark.parametrize(("plural", "kind", "spec", "pods", "services"), CASES, ids=[case[1] for case in CASES])
def test_that_a_simulated_database_becomes_ready_and_says_so(
    namespace: Namespace, plural: str, kind: str, spec: Body, pods: int, services: set[str]
) -> None:
    path = namespace.create(plural, kind, "x", **spec)

    phases = namespace.wait_for_phase(path, "Ready")

    assert phases[-2:] == ["Provisioning", "Ready"]
    annotations = namespace.get(path)["metadata"]["annotations"]
    assert annotations["devcluster.local/simulated"] == "true"
    assert "devcluster.local/running-version" not in annotations
    assert namespace.names("services") == services
    made = namespace.listed("pods")
    assert len(made) == pods
    assert all(pod["status"]["phase"] == "Running" for pod in made)
    assert all(pod["metadata"]["labels"]["team"] == "shop" for pod in made)
    assert not (namespace.data_dir / "volumes" / namespace.name).exists()
    namespace.client.delete(path).raise_for_status()
    namespace.wait_until_gone(path)
    assert namespace.names("persistentvolumeclaims") | namespace.names("secrets") == set()


def test_that_a_deprecated_version_is_left_alone(namespace: Namespace) -> None:
    version = {
        "apiVersion": "catalog.kubedb.com/v1alpha1",
        "kind": "MySQLVersion",
        "metadata": {"name": "5.6.0"},
        "spec": {**namespace.get("/apis/catalog.kubedb.com/v1alpha1/mysqlversions/8.4.8")["spec"], "deprecated": True},
    }
    namespace.client.post("/apis/catalog.kubedb.com/v1alpha1/mysqlversions", json=version).raise_for_status()

    path = namespace.create("mysqls", "MySQL", "old", version="5.6.0", storage=STORAGE)

    namespace.wait_for_event("old", "Failed")
    assert not namespace.get(path).get("status", {}).get("phase")
    assert namespace.names("pods") | namespace.names("services") == set()
