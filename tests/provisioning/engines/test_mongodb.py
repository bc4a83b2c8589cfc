"""What is MongoDB's own: replica sets and their URIs, sharded clusters, memory by version."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from provisioning.engines.mongodb import ENGINE
from provisioning.orders import InvalidOrder
from provisioning.sizes import EXPORTER, Resources
from tests.provisioning.engines.samples import address, ordered
from tests.provisioning.golden.cases import spec_for

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)
SHARDED = {"mode": "sharded", "shards": 2, "replicas": 3, "config_servers": 3, "mongos": 2}


def database_spec(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(ENGINE.database_manifest(spec_for(ordered(ENGINE, asked)))["spec"])


def test_that_one_server_is_alone() -> None:
    assert ENGINE.footprint({"mode": "standalone"}, SMALL) == SMALL.plus(EXPORTER)


def test_that_every_member_of_a_replica_set_has_a_detector() -> None:
    footprint = ENGINE.footprint({"mode": "replicated", "replicas": 3}, SMALL)

    assert footprint == Resources(cpu_millicores=3900, memory_mib=7296, storage_gib=30)


def test_that_a_sharded_cluster_counts_shards_config_servers_and_mongos() -> None:
    groups = {group.role: group for group in ENGINE.node_groups(SHARDED, SMALL)}

    assert {role: group.count for role, group in groups.items()} == {"shard": 6, "config_server": 3, "mongos": 2}
    assert groups["shard"].each == Resources(cpu_millicores=1200, memory_mib=2304, storage_gib=10)
    assert groups["config_server"].each == Resources(cpu_millicores=700, memory_mib=1792, storage_gib=5)
    assert groups["mongos"].each == Resources(cpu_millicores=500, memory_mib=1536, storage_gib=0)


def test_that_a_sharded_cluster_has_the_sane_defaults() -> None:
    assert ordered(ENGINE, {"mode": "sharded"}).topology == SHARDED


def test_that_a_sharded_cluster_has_none_of_the_fields_that_kubedb_refuses_with_shards() -> None:
    spec = database_spec(SHARDED)

    assert not {"replicas", "storage", "podTemplate", "replicaSet", "configSecret"} & set(spec)
    assert spec["shardTopology"]["shard"]["shards"] == 2
    assert "storage" not in spec["shardTopology"]["mongos"]


def test_that_only_a_replica_set_has_the_name_of_one() -> None:
    assert database_spec({"mode": "replicated"})["replicaSet"] == {"name": "rs0"}
    assert "replicaSet" not in database_spec({"mode": "standalone"})


@pytest.mark.parametrize(
    ("name", "memory_mib"), [("4.4.26", 1024), ("7.0.28", 1024), ("8.0.10", 1536), ("percona-8.0.8", 1536)]
)
def test_that_newer_versions_need_more_memory(name: str, memory_mib: int) -> None:
    version = ENGINE.version(name)

    assert version is not None
    assert ENGINE.minimum_memory_mib(version) == memory_mib


def test_that_no_more_members_than_can_vote_are_taken() -> None:
    with pytest.raises(InvalidOrder) as refused:
        ordered(ENGINE, {"mode": "replicated", "replicas": 8})

    (problem,) = refused.value.errors
    assert (problem.field, problem.message) == ("topology.replicas", "must be between 3 and 7.")


def test_that_inside_the_cluster_the_uri_names_every_member_and_the_set() -> None:
    reached = address(ENGINE, {"mode": "replicated", "replicas": 3})

    parts = urlsplit(ENGINE.uri(reached))

    pods = f"{reached.object_name}-pods.{reached.namespace}.svc:27017"
    assert parts.netloc.rpartition("@")[2].split(",") == [
        f"{reached.object_name}-{number}.{pods}" for number in range(3)
    ]
    assert (parts.scheme, parts.path, parts.query) == ("mongodb", "/admin", "replicaSet=rs0")


def test_that_outside_it_does_not_look_for_members_that_cannot_be_reached() -> None:
    outside: dict[str, Any] = {"host": "127.0.0.1", "port": 31234, "is_external": True}

    parts = urlsplit(ENGINE.uri(address(ENGINE, {"mode": "replicated", "replicas": 3}, **outside)))

    assert (parts.hostname, parts.port, parts.query) == ("127.0.0.1", 31234, "directConnection=true")


@pytest.mark.parametrize("topology", [{"mode": "standalone"}, SHARDED], ids=["standalone", "sharded"])
@pytest.mark.parametrize("is_external", [False, True])
def test_that_a_server_and_a_mongos_are_simply_addressed(topology: dict[str, Any], is_external: bool) -> None:
    parts = urlsplit(ENGINE.uri(address(ENGINE, topology, host="db.tenant.svc", is_external=is_external)))

    assert (parts.hostname, parts.port, parts.path, parts.query) == ("db.tenant.svc", 27017, "/admin", "")
