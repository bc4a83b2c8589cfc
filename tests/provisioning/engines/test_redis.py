"""What is Redis's own: sentinels beside it, clusters, versions that lack sentinels."""

from typing import Any

import pytest

from provisioning.engine import Body
from provisioning.engines.redis import ENGINE
from provisioning.orders import InvalidOrder
from provisioning.sizes import EXPORTER, Resources
from tests.provisioning.engines.samples import address, ordered
from tests.provisioning.golden.cases import NAMESPACE, spec_for

SMALL = Resources(cpu_millicores=1000, memory_mib=2048, storage_gib=10)


def bodies_of(asked: dict[str, Any], version: str | None = None) -> tuple[tuple[Body, ...], Body]:
    spec = spec_for(ordered(ENGINE, asked, version=version))
    return ENGINE.companion_manifests(spec), ENGINE.database_manifest(spec)


def test_that_one_server_is_alone() -> None:
    companions, database = bodies_of({"mode": "standalone"})

    assert companions == ()
    assert (database["spec"]["mode"], database["spec"]["replicas"]) == ("Standalone", 1)
    assert ENGINE.footprint({"mode": "standalone"}, SMALL) == SMALL.plus(EXPORTER)


def test_that_replication_is_watched_by_three_sentinels_of_its_own() -> None:
    (sentinels,), database = bodies_of({"mode": "replicated", "replicas": 2})

    assert (sentinels["kind"], sentinels["spec"]["replicas"]) == ("RedisSentinel", 3)
    assert sentinels["metadata"]["name"] == f"{database['metadata']['name']}-sentinel"
    assert (database["spec"]["mode"], database["spec"]["replicas"]) == ("Sentinel", 2)
    assert database["spec"]["sentinelRef"] == {"name": sentinels["metadata"]["name"], "namespace": NAMESPACE}


@pytest.mark.parametrize("version", ["7.4.6", "valkey-8.1.1"])
def test_that_the_sentinels_are_of_the_same_version(version: str) -> None:
    (sentinels,), database = bodies_of({"mode": "replicated"}, version)

    assert sentinels["spec"]["version"] == database["spec"]["version"] == version


def test_that_sentinels_and_coordinators_count() -> None:
    footprint = ENGINE.footprint({"mode": "replicated", "replicas": 2}, SMALL)

    assert footprint == Resources(cpu_millicores=3200, memory_mib=5632, storage_gib=23)


def test_that_a_cluster_counts_the_primary_of_each_shard_once() -> None:
    asked = {"mode": "sharded", "shards": 4, "replicas": 2}

    companions, database = bodies_of(asked)

    assert companions == ()
    assert database["spec"]["cluster"] == {"shards": 4, "replicas": 2}
    assert "replicas" not in database["spec"]
    assert ENGINE.footprint(asked, SMALL) == SMALL.plus(EXPORTER).times(8)


def test_that_sentinels_are_refused_for_a_version_that_they_cannot_watch() -> None:
    with pytest.raises(InvalidOrder) as refused:
        bodies_of({"mode": "replicated"}, "6.0.20")

    (problem,) = refused.value.errors
    assert (problem.field, problem.code) == ("topology.mode", "unsupported_by_version")
    assert problem.message.startswith("6.0.20 cannot do replicated; versions that can: 8.2.2, 8.0.4, 7.4.6,")
    assert "valkey" not in problem.message


@pytest.mark.parametrize("mode", ["standalone", "sharded"])
def test_that_the_same_version_does_without_them(mode: str) -> None:
    _, database = bodies_of({"mode": mode}, "6.0.20")

    assert database["spec"]["version"] == "6.0.20"


@pytest.mark.parametrize("mode", ["standalone", "replicated", "sharded"])
def test_that_the_uri_gives_user_and_number_of_the_database(mode: str) -> None:
    reached = address(ENGINE, {"mode": mode}, username="default", host="127.0.0.1", port=31234, is_external=True)

    uri = ENGINE.uri(reached)

    assert uri.startswith("redis://default:")
    assert uri.endswith("@127.0.0.1:31234/0")


def test_that_versions_without_users_are_not_offered() -> None:
    assert all(version.major >= 6 for version in ENGINE.versions)
