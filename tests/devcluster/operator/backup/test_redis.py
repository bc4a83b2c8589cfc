"""Backups and restores of real Redis databases, alone and as a cluster."""

import asyncio
import contextlib

import pytest

from devcluster.operator.backup.resp import Reply, connected
from devcluster.operator.probes import RedisError
from tests.devcluster.operator.backup.stage import Backups
from tests.devcluster.operator.conftest import STORAGE, Namespace

pytestmark = pytest.mark.processes
PLURAL, KIND = "redises", "Redis"


def ask(tenant: Namespace, database: str, *commands: list[bytes]) -> list[Reply]:
    async def story() -> list[Reply]:
        async with connected(tenant.node_port(database), tenant.password(database)) as server:
            return await server.ask_all(commands)

    return asyncio.run(story())


def test_that_a_backup_brings_keys_back_and_removes_later_ones(tenant: Namespace) -> None:
    path = tenant.create(PLURAL, KIND, "cart", version="7.4.6", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    ask(tenant, "cart", [b"SET", b"\xff\x00key", b"\x00value"], [b"SET", b"brief", b"1", b"EX", b"5000"])
    backups = Backups(tenant, KIND, "cart")
    backups.configure()
    session = backups.run("first")
    assert session["status"]["phase"] == "Succeeded", session["status"]
    ask(tenant, "cart", [b"DEL", b"\xff\x00key"], [b"SET", b"later", b"1"])

    restored = backups.ended(backups.restore("back"))

    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    tenant.wait_for_phase(path, "Ready")
    value, later, left = ask(tenant, "cart", [b"GET", b"\xff\x00key"], [b"EXISTS", b"later"], [b"TTL", b"brief"])
    assert (value, later) == (b"\x00value", 0)
    assert isinstance(left, int)
    assert 0 < left <= 5000
    assert not (tenant.data_dir / "processes" / tenant.name / "cart-restore").exists()


def test_that_a_cluster_is_backed_up_by_shard_and_restored_into_a_new_single_server(tenant: Namespace) -> None:
    cluster = {"shards": 3, "replicas": 2}
    path = tenant.create(PLURAL, KIND, "wide", version="7.4.6", storage=STORAGE, mode="Cluster", cluster=cluster)
    tenant.wait_for_phase(path, "Ready", 30)
    fill(tenant, [b"key-%d" % number for number in range(30)])
    backups = Backups(tenant, KIND, "wide")
    backups.configure()

    session = backups.run("first")

    assert session["status"]["phase"] == "Succeeded", session["status"]
    assert set(backups.snapshot(session)["status"]["components"]) == {"dump-pod-0", "dump-pod-1", "dump-pod-2"}
    restored = backups.ended(backups.restore("back"))
    assert restored["status"]["phase"] == "Succeeded", restored["status"]

    new = tenant.create(PLURAL, KIND, "one", version="7.4.6", storage=STORAGE, init={"waitForInitialRestore": True})
    restored = backups.ended(backups.restore("new", into="one"))

    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    tenant.wait_for_phase(new, "Ready")
    assert ask(tenant, "one", [b"DBSIZE"]) == [30]


def fill(tenant: Namespace, keys: list[bytes]) -> None:
    """Write keys into a cluster, each where it belongs."""

    async def fill_shard(shard: int) -> None:
        record = tenant.core("pods", f"wide-shard{shard}-0")["metadata"]["annotations"]["devcluster.local/address"]
        async with connected(int(record.rpartition(":")[2]), tenant.password("wide")) as server:
            for key in keys:
                with contextlib.suppress(RedisError):
                    await server.ask(b"SET", key, b"1")

    for shard in range(3):
        asyncio.run(fill_shard(shard))


def test_that_replicas_under_sentinels_follow_a_restore(tenant: Namespace) -> None:
    watchers = tenant.create("redissentinels", "RedisSentinel", "eyes", version="7.4.6", replicas=3, storage=STORAGE)
    tenant.wait_for_phase(watchers, "Ready")
    sentinel = {"name": "eyes", "namespace": tenant.name}
    path = tenant.create(
        PLURAL, KIND, "cart", version="7.4.6", storage=STORAGE, mode="Sentinel", replicas=2, sentinelRef=sentinel
    )
    tenant.wait_for_phase(path, "Ready", 30)
    ask(tenant, "cart", [b"SET", b"kept", b"1"])
    backups = Backups(tenant, KIND, "cart")
    backups.configure()
    backups.run("first")
    ask(tenant, "cart", [b"SET", b"later", b"1"])

    restored = backups.ended(backups.restore("back"))

    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    assert ask(tenant, "cart", [b"WAIT", b"1", b"5000"], [b"EXISTS", b"kept", b"later"]) == [1, 1]
    tenant.wait_for_phase(path, "Ready")
