"""What every type of request leaves behind on databases without servers, where only the objects tell."""

import pytest

from tests.devcluster.operator.conftest import STORAGE, Body, Namespace
from tests.devcluster.operator.ops.asking import carry_out, conditions

pytestmark = pytest.mark.processes

MEMORY = {"requests": {"cpu": "600m", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}
SHARDED: Body = {
    "version": "8.0.17",
    "shardTopology": {
        "shard": {"shards": 2, "replicas": 2, "storage": STORAGE},
        "configServer": {"replicas": 1, "storage": STORAGE},
        "mongos": {"replicas": 1},
    },
}
PETSETS = "/apis/apps.k8s.appscode.com/v1"


def memory_of(pod: Body, container: str) -> str:
    found = next(one for one in pod["spec"]["containers"] if one["name"] == container)
    return str(found["resources"]["limits"]["memory"])


def test_that_a_restart_makes_every_pod_anew(namespace: Namespace) -> None:
    path = namespace.create("mysqls", "MySQL", "shop", version="8.4.8", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    before = namespace.core("pods", "shop-0")["metadata"]["uid"]

    body = carry_out(namespace, "MySQL", "again", "shop", "Restart")

    assert namespace.core("pods", "shop-0")["metadata"]["uid"] != before
    assert conditions(body) == {
        "Restart": "True",
        "UpdatePetSets": "True",
        "CheckPodReady--shop-0": "True",
        "EvictPod--shop-0": "True",
        "RestartNodes": "True",
        "Successful": "True",
    }
    assert {one["observedGeneration"] for one in body["status"]["conditions"]} == {1}
    database = namespace.get(path)
    assert database["status"]["phase"] == "Ready"
    assert "Paused" not in {one["type"] for one in database["status"]["conditions"]}
    events = namespace.get(f"/api/v1/namespaces/{namespace.name}/events")["items"]
    told = {event["reason"] for event in events if event["source"]["component"] == "KubeDB Ops-manager Operator"}
    assert told == {"Starting", "Successful"}


def test_that_only_the_scaled_part_of_a_sharded_database_restarts(namespace: Namespace) -> None:
    path = namespace.create("mongodbs", "MongoDB", "shop", **SHARDED)
    namespace.wait_for_phase(path, "Ready")
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in namespace.listed("pods")}

    carry_out(
        namespace, "MongoDB", "bigger", "shop", "VerticalScaling", verticalScaling={"shard": {"resources": MEMORY}}
    )

    pods = {pod["metadata"]["name"]: pod for pod in namespace.listed("pods")}
    made_anew = {name for name, pod in pods.items() if pod["metadata"]["uid"] != before[name]}
    assert made_anew == {"shop-shard0-0", "shop-shard0-1", "shop-shard1-0", "shop-shard1-1"}
    assert {memory_of(pods[name], "mongodb") for name in made_anew} == {"2Gi"}
    database = namespace.get(path)
    assert database["status"]["observedGeneration"] == database["metadata"]["generation"]
    containers = database["spec"]["shardTopology"]["shard"]["podTemplate"]["spec"]["containers"]
    assert next(one for one in containers if one["name"] == "mongodb")["resources"]["limits"]["memory"] == "2Gi"


def test_that_volumes_grow_where_asked(namespace: Namespace) -> None:
    node = {"storage": STORAGE, "replicas": 1}
    topology = {"master": node, "data": node, "ingest": node}
    path = namespace.create("elasticsearches", "Elasticsearch", "logs", version="xpack-9.2.3", topology=topology)
    namespace.wait_for_phase(path, "Ready")

    carry_out(
        namespace, "Elasticsearch", "grow", "logs", "VolumeExpansion", volumeExpansion={"mode": "Online", "data": "3Gi"}
    )

    claims = {claim["metadata"]["name"]: claim for claim in namespace.listed("persistentvolumeclaims")}
    sizes = {name: claim["status"]["capacity"]["storage"] for name, claim in claims.items()}
    assert sizes == {"data-logs-data-0": "3Gi", "data-logs-master-0": "1Gi", "data-logs-ingest-0": "1Gi"}
    assert claims["data-logs-data-0"]["spec"]["resources"]["requests"]["storage"] == "3Gi"
    storage = namespace.get(path)["spec"]["topology"]["data"]["storage"]
    assert storage["resources"]["requests"]["storage"] == "3Gi"
