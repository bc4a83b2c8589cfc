"""What is refused of a change before it begins; each case is a database and a request that does not fit it."""

import base64
from typing import Any

import httpx
import pytest

from tests.devcluster.apiserver.samples import Body, core, created

STORAGE: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
PLURALS = {
    "Postgres": "postgreses",
    "MySQL": "mysqls",
    "MongoDB": "mongodbs",
    "Redis": "redises",
    "RedisSentinel": "redissentinels",
    "Elasticsearch": "elasticsearches",
}
PG: Body = {"version": "17.5", "storage": STORAGE}
GRID: Body = {"version": "7.4.6", "storage": STORAGE, "mode": "Cluster", "cluster": {"shards": 4, "replicas": 2}}
SHARDED: Body = {
    "version": "8.0.17",
    "shardTopology": {node: {"replicas": 2, "storage": STORAGE} for node in ("shard", "configServer", "mongos")},
}
SET: Body = {"version": "8.0.17", "storage": STORAGE, "replicas": 3, "replicaSet": {"name": "rs0"}}
NODES: Body = {
    "version": "xpack-9.2.3",
    "topology": {name: {"storage": STORAGE} for name in ("master", "data", "ingest")},
}
OPENSEARCH: Body = {"version": "opensearch-3.1.0", "storage": STORAGE}


def out(**wanted: Any) -> Body:
    return {"type": "HorizontalScaling", "horizontalScaling": wanted}


def grow(**wanted: Any) -> Body:
    return {"type": "VolumeExpansion", "volumeExpansion": {"mode": "Online", **wanted}}


def configure(**wanted: Any) -> Body:
    return {"type": "Reconfigure", "configuration": wanted}


def attempt(api: httpx.Client, namespace: str, kind: str, database: Body, request: Body) -> httpx.Response:
    made = {"apiVersion": "kubedb.com/v1", "kind": kind, "metadata": {"name": "x"}, "spec": database}
    created(api, f"/apis/kubedb.com/v1/namespaces/{namespace}/{PLURALS[kind]}", made)
    body = {
        "apiVersion": "ops.kubedb.com/v1alpha1",
        "kind": f"{kind}OpsRequest",
        "metadata": {"name": "op"},
        "spec": {"databaseRef": {"name": "x"}, **request},
    }
    return api.post(f"/apis/ops.kubedb.com/v1alpha1/namespaces/{namespace}/{kind.lower()}opsrequests", json=body)


@pytest.mark.parametrize(
    ("kind", "database", "request_", "text"),
    [
        ("MongoDB", SHARDED, grow(shard="1Gi"), "desired shard storage size must be greater than current storage"),
        ("Elasticsearch", NODES, grow(data="2Gi"), "Current storage: 2Gi"),
        ("Postgres", PG, out(replicas=0), "be positive"),
        ("Postgres", PG, out(replicas=3, readReplicas=[{"name": "a", "replicas": 1}]), "exactly one of"),
        ("Redis", {"version": "7.4.6", "storage": STORAGE}, out(replicas=2), "not allowed for standalone redis"),
        ("Redis", GRID, out(shards=2), "shards must be at least 3"),
        ("Redis", GRID, out(replicas=1), "replicas must be at least 2"),
        ("Redis", GRID, out(shards=3, replicas=3), "up and down at the same time"),
        ("Redis", GRID, out(), "must be given"),
        ("RedisSentinel", {"version": "7.4.6", "storage": STORAGE, "replicas": 3}, out(replicas=0), "at least 1"),
        ("MySQL", {"version": "8.4.8", "storage": STORAGE}, out(member=5), "haven't pointed to a Group Replication"),
        ("MongoDB", SET, out(mongos={"replicas": 2}), "does not fit the topology"),
        ("MongoDB", SHARDED, out(replicas=3), "does not fit the topology"),
        ("MongoDB", SHARDED, out(shard={"shards": 0}), "must be greater than 0"),
        ("MongoDB", {**SET, "storageEngine": "inMemory"}, out(replicas=2), "at least 3"),
        ("Postgres", PG, configure(), "nothing to reconfigure"),
        ("Postgres", PG, configure(restart="true"), "nothing to reconfigure"),
        ("Postgres", PG, configure(applyConfig={"pg.conf": "a = 1"}), "only user.conf"),
        ("Postgres", PG, configure(removeCustomConfig=True, restart="false"), "needs a restart"),
        ("Elasticsearch", OPENSEARCH, configure(removeCustomConfig=True), "OpenSearch without SSL"),
        ("Elasticsearch", OPENSEARCH, {"type": "RotateAuth"}, "OpenSearch without SSL"),
        ("Redis", {**GRID, "disableAuth": True}, {"type": "RotateAuth"}, "running in disable auth mode"),
        (
            "Postgres",
            PG,
            {"type": "StorageMigration", "timeout": "1h", "migration": {"storageClassName": "none"}},
            "storage class none not found",
        ),
    ],
)
def test_that_a_change_that_does_not_fit_is_refused(
    api: httpx.Client, namespace: str, kind: str, database: Body, request_: Body, text: str
) -> None:
    answer = attempt(api, namespace, kind, database, request_)

    assert answer.status_code == 422, answer.text
    assert text in answer.json()["message"]


@pytest.mark.parametrize(
    ("kind", "database", "request_"),
    [
        ("MongoDB", SHARDED, grow(shard="3Gi", configServer="4Gi")),
        ("Elasticsearch", NODES, out(topology={"data": 0})),
        ("Redis", GRID, out(shards=3)),
        ("Redis", GRID, out(shards=5, replicas=3)),
        ("Postgres", PG, configure(removeCustomConfig=True)),
        ("MongoDB", SHARDED, {"type": "VerticalScaling", "verticalScaling": {"standalone": {"resources": {}}}}),
    ],
)
def test_that_what_kubedb_lets_pass_is_let_pass(
    api: httpx.Client, namespace: str, kind: str, database: Body, request_: Body
) -> None:
    answer = attempt(api, namespace, kind, database, request_)

    assert answer.status_code == 201, answer.text


def test_that_a_rotation_keeps_the_name_of_the_administrator(api: httpx.Client, namespace: str) -> None:
    for name, username in (("present", "postgres"), ("other", "admin")):
        values = {"username": base64.b64encode(username.encode()).decode()}
        created(api, core(namespace, "secrets"), {"metadata": {"name": name}, "data": values})
    request = {"type": "RotateAuth", "authentication": {"secretRef": {"name": "other"}}}

    answer = attempt(api, namespace, "Postgres", {**PG, "authSecret": {"name": "present"}}, request)

    assert answer.status_code == 422
    assert "database username cannot be changed" in answer.json()["message"]
