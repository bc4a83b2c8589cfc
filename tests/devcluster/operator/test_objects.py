"""The objects that are made for a database: their names, labels and owners, for every topology."""

from pathlib import Path
from typing import Any

import pytest

from devcluster.operator import objects
from devcluster.operator.database import Database
from devcluster.operator.engine import Engine, load_engines
from devcluster.operator.layout import Layout

Body = dict[str, Any]
STORAGE = {"resources": {"requests": {"storage": "1Gi"}}}
ENGINES = load_engines(Path("/nowhere"))


def database(plural: str, spec: Body, *, version: str = "17.5", **metadata: object) -> Database:
    engine = ENGINES[plural]
    body = {
        "apiVersion": "kubedb.com/v1",
        "kind": engine.kind,
        "metadata": {"name": "x", "namespace": "shop", "uid": "0000-abcdef", **metadata},
        "spec": {"version": version, **spec},
    }
    bare = Database(resource=engine.resource, body=body, version={"spec": {"version": version}})
    return Database(resource=bare.resource, body={**body, "spec": engine.defaults(bare)}, version=bare.version)


def layout_of(plural: str, spec: Body, *, version: str = "17.5") -> tuple[Engine, Database, Layout]:
    db = database(plural, spec, version=version)
    return ENGINES[plural], db, ENGINES[plural].layout(db)


TOPOLOGIES: dict[str, tuple[str, Body, set[str], set[str]]] = {
    "postgres alone": ("postgreses", {"storage": STORAGE}, {"x-0"}, {"x", "x-pods"}),
    "postgres with an even number": (
        "postgreses",
        {"storage": STORAGE, "replicas": 2},
        {"x-0", "x-1", "x-arbiter-0"},
        {"x", "x-pods", "x-standby"},
    ),
    "postgres with read replicas": (
        "postgreses",
        {"storage": STORAGE, "replicas": 1, "readReplicas": [{"name": "far", "replicas": 2}]},
        {"x-0", "x-rr-far-0", "x-rr-far-1"},
        {"x", "x-pods", "x-rr-far"},
    ),
    "mysql group": (
        "mysqls",
        {"storage": STORAGE, "topology": {"mode": "GroupReplication"}},
        {"x-0", "x-1", "x-2"},
        {"x", "x-pods", "x-standby"},
    ),
    "mysql innodb cluster": (
        "mysqls",
        {"storage": STORAGE, "topology": {"mode": "InnoDBCluster"}},
        {"x-0", "x-1", "x-2", "x-router-0"},
        {"x", "x-pods", "x-standby", "x-router"},
    ),
    "mongodb replica set": (
        "mongodbs",
        {"storage": STORAGE, "replicas": 2, "replicaSet": {"name": "rs0"}, "arbiter": {}},
        {"x-0", "x-1", "x-arbiter-0"},
        {"x", "x-pods"},
    ),
    "mongodb sharded": (
        "mongodbs",
        {
            "shardTopology": {
                "configServer": {"replicas": 1, "storage": STORAGE},
                "mongos": {"replicas": 1},
                "shard": {"shards": 2, "replicas": 1, "storage": STORAGE},
            }
        },
        {"x-configsvr-0", "x-shard0-0", "x-shard1-0", "x-mongos-0"},
        {"x", "x-configsvr-pods", "x-shard0-pods", "x-shard1-pods", "x-mongos-pods"},
    ),
    "redis cluster": (
        "redises",
        {"storage": STORAGE, "mode": "Cluster"},
        {f"x-shard{shard}-{ordinal}" for shard in range(3) for ordinal in range(2)},
        {"x", "x-pods"},
    ),
    "redis under sentinels": (
        "redises",
        {"storage": STORAGE, "mode": "Sentinel", "replicas": 2, "sentinelRef": {"name": "watch"}},
        {"x-0", "x-1"},
        {"x", "x-pods", "x-standby"},
    ),
    "sentinels": ("redissentinels", {"storage": STORAGE, "replicas": 3}, {"x-0", "x-1", "x-2"}, {"x", "x-pods"}),
    "elasticsearch by role": (
        "elasticsearches",
        {
            "topology": {
                "master": {"replicas": 1, "storage": STORAGE},
                "data": {"replicas": 2, "storage": STORAGE},
                "ingest": {"suffix": "in", "storage": STORAGE},
            }
        },
        {"x-master-0", "x-data-0", "x-data-1", "x-in-0"},
        {"x", "x-master", "x-pods"},
    ),
}


@pytest.mark.parametrize(("plural", "spec", "pods", "services"), TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_that_a_topology_has_its_pods_and_services(plural: str, spec: Body, pods: set[str], services: set[str]) -> None:
    _, _, layout = layout_of(plural, spec)

    assert {pod.name for pod in layout.pods} == pods
    assert {service.name for service in layout.services} == services


@pytest.mark.parametrize(("plural", "spec", "pods", "services"), TOPOLOGIES.values(), ids=TOPOLOGIES)
def test_that_every_service_of_a_topology_selects_a_pod(
    plural: str, spec: Body, pods: set[str], services: set[str]
) -> None:
    _, db, layout = layout_of(plural, spec)
    made = [objects.pod(db, pod, "uid", simulated=False)["metadata"]["labels"] for pod in layout.pods]
    selectors = {service.name: objects.service(db, service)["spec"]["selector"] for service in layout.services}

    unused = {name for name, selector in selectors.items() if not any(selector.items() <= one.items() for one in made)}

    assert (len(made), set(selectors), unused) == (len(pods), services, set())


@pytest.mark.parametrize(("plural", "spec"), [row[:2] for row in TOPOLOGIES.values()], ids=TOPOLOGIES)
def test_that_defaults_are_complete_after_one_run(plural: str, spec: Body) -> None:
    db = database(plural, spec)

    assert ENGINES[plural].defaults(db) == db.spec


def test_that_labels_flow_down_except_those_of_kubedb() -> None:
    labels = {"team": "shop", "kubedb.com/x": "no", "ops.kubedb.com/y": "no", "app.kubernetes.io/name": "no"}
    db = database("postgreses", {"storage": STORAGE}, labels=labels)
    layout = ENGINES["postgreses"].layout(db)

    made = objects.pod(db, layout.pods[0], "uid", simulated=False)["metadata"]["labels"]

    assert made["team"] == "shop"
    assert made["app.kubernetes.io/name"] == "postgreses.kubedb.com"
    assert made["kubedb.com/role"] == "primary"
    assert {"kubedb.com/x", "ops.kubedb.com/y"}.isdisjoint(made)


def test_that_what_must_outlive_the_database_has_no_owner() -> None:
    _, db, layout = layout_of("mongodbs", {"storage": STORAGE, "replicaSet": {"name": "rs0"}})
    secret = objects.persistent_secret(db, layout.secrets[0])
    claim = objects.claim(db, layout.pods[0])
    service = objects.service(db, layout.services[0])

    assert secret["metadata"]["name"] == "x-key"
    assert claim["metadata"]["name"] == "datadir-x-0"
    assert "ownerReferences" not in {**secret["metadata"], **claim["metadata"]}
    assert service["metadata"]["ownerReferences"][0]["uid"] == "0000-abcdef"


def test_that_a_service_template_changes_type_and_annotations() -> None:
    template = {"alias": "primary", "metadata": {"annotations": {"a": "b"}}, "spec": {"type": "LoadBalancer"}}
    _, db, layout = layout_of("postgreses", {"storage": STORAGE, "serviceTemplates": [template]})

    primary, headless = (objects.service(db, shape) for shape in layout.services)

    assert (primary["spec"]["type"], primary["metadata"]["annotations"]) == ("LoadBalancer", {"a": "b"})
    assert headless["spec"]["clusterIP"] == "None"


def test_that_a_missing_limit_comes_from_the_request_and_a_low_one_is_raised() -> None:
    containers = [{"name": "postgres", "resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}]

    db = database("postgreses", {"storage": STORAGE, "podTemplate": {"spec": {"containers": containers}}})

    filled = {one["name"]: one["resources"] for one in db.spec["podTemplate"]["spec"]["containers"]}
    assert filled["postgres"] == {"requests": {"memory": "2Gi", "cpu": "500m"}, "limits": {"memory": "2Gi"}}
    assert filled["pg-coordinator"]["limits"] == {"memory": "256Mi"}


def test_that_the_app_binding_tells_how_to_connect() -> None:
    _, db, layout = layout_of("postgreses", {"storage": STORAGE})
    assert layout.binding is not None

    spec = objects.app_binding(db, layout.binding, with_secret=True)["spec"]

    service = {"scheme": "postgresql", "name": "x", "port": 5432, "path": "/", "query": "sslmode=disable"}
    assert (spec["type"], spec["version"], spec["secret"]) == ("kubedb.com/postgres", "17.5", {"name": "x-auth"})
    assert spec["clientConfig"]["service"] == service


def test_that_passwords_are_sixteen_letters_and_digits() -> None:
    made = {objects.password() for _ in range(50)}

    assert len(made) == 50
    assert all(len(one) == 16 and one.isalnum() and one.isascii() for one in made)
