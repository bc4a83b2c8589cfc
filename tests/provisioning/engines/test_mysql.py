"""What is MySQL's own: three ways to replicate, routers, versions that lack one."""

from typing import Any

import pytest

from provisioning.engines.mysql import ENGINE
from provisioning.orders import InvalidOrder
from provisioning.sizes import EXPORTER, Resources
from tests.provisioning.engines.samples import address, ordered
from tests.provisioning.golden.cases import spec_for

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)
INNODB = {"mode": "replicated", "replication": "innodb", "replicas": 3, "routers": 2}


def database_spec(asked: dict[str, Any]) -> dict[str, Any]:
    return dict(ENGINE.database_manifest(spec_for(ordered(ENGINE, asked)))["spec"])


def test_that_one_server_has_no_coordinator() -> None:
    assert ENGINE.footprint({"mode": "standalone"}, SMALL) == SMALL.plus(EXPORTER)


@pytest.mark.parametrize("replication", ["group", "semisync"])
def test_that_every_replicated_server_has_a_coordinator(replication: str) -> None:
    footprint = ENGINE.footprint({"mode": "replicated", "replication": replication, "replicas": 3}, SMALL)

    assert footprint == Resources(cpu_millicores=3900, memory_mib=7296, storage_gib=30)


def test_that_routers_count_without_a_disk() -> None:
    footprint = ENGINE.footprint(INNODB, SMALL)

    assert footprint == Resources(cpu_millicores=4900, memory_mib=8320, storage_gib=30)


def test_that_routers_get_what_quota_counts_for_them() -> None:
    router = database_spec(INNODB)["topology"]["innoDBCluster"]["router"]

    assert router["replicas"] == 2
    container = router["podTemplate"]["spec"]["containers"][0]
    assert container["name"] == "mysql-router"
    assert container["resources"]["limits"] == {"cpu": "500m", "memory": "512Mi"}


def test_that_one_server_has_no_topology() -> None:
    assert "topology" not in database_spec({"mode": "standalone"})


@pytest.mark.parametrize(
    ("replication", "mode"), [("group", "GroupReplication"), ("innodb", "InnoDBCluster"), ("semisync", "SemiSync")]
)
def test_that_each_replication_is_kubedbs(replication: str, mode: str) -> None:
    spec = database_spec({"mode": "replicated", "replication": replication, "replicas": 5})

    assert spec["topology"]["mode"] == mode
    assert spec["replicas"] == 5


def test_that_replication_is_by_group_with_no_routers_unless_said_otherwise() -> None:
    order = ordered(ENGINE, {"mode": "replicated"})

    assert order.topology == {"mode": "replicated", "replication": "group", "replicas": 3}


def test_that_an_innodb_cluster_has_one_router_unless_said_otherwise() -> None:
    order = ordered(ENGINE, {"mode": "replicated", "replication": "innodb"})

    assert order.topology["routers"] == 1


def test_that_an_innodb_cluster_is_refused_for_a_version_without_a_router() -> None:
    with pytest.raises(InvalidOrder) as refused:
        ordered(ENGINE, {"mode": "replicated", "replication": "innodb"}, version="8.0.36")

    (problem,) = refused.value.errors
    assert (problem.field, problem.code) == ("topology.replication", "unsupported_by_version")
    assert problem.message == "8.0.36 cannot do innodb; versions that can: 9.7.1, 8.4.8, 8.4.3, 8.4.2."


def test_that_the_same_version_replicates_by_group() -> None:
    order = ordered(ENGINE, {"mode": "replicated", "replication": "group"}, version="8.0.36")

    assert order.version.name == "8.0.36"


def test_that_inside_the_cluster_the_uri_goes_through_the_router() -> None:
    reached = address(ENGINE, INNODB)

    uri = ENGINE.uri(reached)

    assert uri.endswith(f"@{reached.object_name}-router.{reached.namespace}.svc:6446/")


def test_that_outside_it_goes_to_the_service_that_is_exposed() -> None:
    uri = ENGINE.uri(address(ENGINE, INNODB, host="127.0.0.1", port=31234, is_external=True))

    assert uri.endswith("@127.0.0.1:31234/")


def test_that_versions_whose_host_names_would_be_too_long_are_not_offered() -> None:
    assert all(version.major > 5 for version in ENGINE.versions)
