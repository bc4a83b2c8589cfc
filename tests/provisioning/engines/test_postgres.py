"""What is PostgreSQL's own: the voting pod, synchronous streaming, the URI."""

import pytest

from provisioning.engines.postgres import ENGINE
from provisioning.sizes import Resources
from tests.provisioning.engines.samples import address, ordered
from tests.provisioning.golden.cases import spec_for

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)


@pytest.mark.parametrize(("replicas", "arbiters"), [(2, 1), (3, 0), (8, 1), (9, 0)])
def test_that_an_even_number_adds_a_voting_pod(replicas: int, arbiters: int) -> None:
    groups = ENGINE.node_groups({"mode": "replicated", "replicas": replicas}, SMALL)

    counts = {group.role: group.count for group in groups}
    assert counts == {"database": replicas} | ({"arbiter": arbiters} if arbiters else {})


def test_that_the_coordinator_counts_in_every_pod() -> None:
    footprint = ENGINE.footprint({"mode": "standalone"}, SMALL)

    assert footprint == Resources(cpu_millicores=1300, memory_mib=2432, storage_gib=10)


def test_that_the_voting_pod_counts_with_its_disk() -> None:
    footprint = ENGINE.footprint({"mode": "replicated", "replicas": 2, "streaming": "asynchronous"}, SMALL)

    assert footprint == Resources(cpu_millicores=2800, memory_mib=5120, storage_gib=22)


def test_that_a_standalone_server_streams_nothing() -> None:
    spec = ENGINE.database_manifest(spec_for(ordered(ENGINE, {"mode": "standalone"})))["spec"]

    assert spec["replicas"] == 1
    assert not {"standbyMode", "streamingMode", "synchronousReplicationConfig"} & set(spec)


def test_that_synchronous_streaming_waits_for_fewer_than_there_are() -> None:
    asked = {"mode": "replicated", "replicas": 2, "streaming": "synchronous"}

    spec = ENGINE.database_manifest(spec_for(ordered(ENGINE, asked)))["spec"]

    assert spec["streamingMode"] == "Synchronous"
    assert 1 <= spec["synchronousReplicationConfig"]["numSyncReplicas"] < spec["replicas"]


def test_that_the_uri_is_what_drivers_take() -> None:
    topology = ordered(ENGINE, {"mode": "replicated"}).topology
    reached = address(ENGINE, topology, host="127.0.0.1", port=31234, is_external=True)

    uri = ENGINE.uri(reached)

    assert (
        uri == "postgresql://root:p%40ss%3Aw%2Fo%3Fr%23d%25%5B%5D%20%C3%A9%2B@127.0.0.1:31234/postgres?sslmode=disable"
    )
