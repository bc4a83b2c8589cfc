"""What is Elasticsearch's own: nodes by role, encrypted HTTP, memory by distribution."""

from typing import Any

import pytest

from provisioning.engines.elasticsearch import ENGINE
from provisioning.orders import InvalidOrder
from provisioning.sizes import EXPORTER, Resources
from tests.provisioning.engines.samples import address, ordered
from tests.provisioning.golden.cases import spec_for

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)


def database_spec(asked: dict[str, Any], **wish: Any) -> dict[str, Any]:
    return dict(ENGINE.database_manifest(spec_for(ordered(ENGINE, asked, **wish)))["spec"])


@pytest.mark.parametrize("mode", ["standalone", "replicated", "sharded"])
def test_that_http_is_always_encrypted(mode: str) -> None:
    topology = ordered(ENGINE, {"mode": mode}).topology

    assert database_spec({"mode": mode})["enableSSL"] is True
    assert ENGINE.uri(address(ENGINE, topology)).startswith("https://")
    assert ENGINE.ca_suffix == "-http-cert"


@pytest.mark.parametrize(("mode", "nodes"), [("standalone", 1), ("replicated", 3)])
def test_that_combined_nodes_are_all_alike(mode: str, nodes: int) -> None:
    spec = database_spec({"mode": mode})

    assert spec["replicas"] == nodes
    assert "topology" not in spec
    assert ENGINE.footprint(ordered(ENGINE, {"mode": mode}).topology, SMALL) == SMALL.plus(EXPORTER).times(nodes)


def test_that_nodes_by_role_leave_out_what_kubedb_refuses_with_a_topology() -> None:
    spec = database_spec({"mode": "sharded"})

    assert not {"replicas", "storage", "podTemplate"} & set(spec)
    assert {role: nodes["replicas"] for role, nodes in spec["topology"].items()} == {
        "master": 3,
        "data": 2,
        "ingest": 2,
    }


def test_that_only_data_nodes_have_the_plans_size() -> None:
    topology = database_spec({"mode": "sharded"}, plan="large", storage_gib=500)["topology"]

    disks = {role: nodes["storage"]["resources"]["requests"]["storage"] for role, nodes in topology.items()}
    assert disks == {"master": "2Gi", "data": "500Gi", "ingest": "2Gi"}
    memory = {role: _memory(nodes) for role, nodes in topology.items()}
    assert memory == {"master": "2048Mi", "data": "16384Mi", "ingest": "2048Mi"}


def _memory(nodes: dict[str, Any]) -> str:
    return str(nodes["podTemplate"]["spec"]["containers"][0]["resources"]["limits"]["memory"])


def test_that_masters_and_ingest_nodes_count() -> None:
    topology = ordered(ENGINE, {"mode": "sharded", "nodes": {"master": 3, "data": 4}}).topology

    footprint = ENGINE.footprint(topology, SMALL)

    assert footprint == Resources(cpu_millicores=7400, memory_mib=19584, storage_gib=50)


def test_that_two_masters_are_refused() -> None:
    with pytest.raises(InvalidOrder) as refused:
        ordered(ENGINE, {"mode": "sharded", "nodes": {"master": 2}})

    (problem,) = refused.value.errors
    assert (problem.field, problem.code) == ("topology.nodes.master", "split_vote")


@pytest.mark.parametrize("masters", [1, 3, 4])
def test_that_other_numbers_of_masters_are_taken(masters: int) -> None:
    order = ordered(ENGINE, {"mode": "sharded", "nodes": {"master": masters}})

    assert order.topology["nodes"] == {"master": masters, "data": 2, "ingest": 2}


@pytest.mark.parametrize(
    ("name", "memory_mib"),
    [
        ("xpack-9.2.3", 1536),
        ("xpack-6.8.23", 1536),
        ("opensearch-1.3.20", 1536),
        ("opensearch-2.5.0", 2048),
        ("opensearch-3.4.0", 2048),
        ("searchguard-7.9.3", 1536),
    ],
)
def test_that_the_newer_opensearch_needs_more_memory(name: str, memory_mib: int) -> None:
    version = ENGINE.version(name)

    assert version is not None
    assert ENGINE.minimum_memory_mib(version) == memory_mib
