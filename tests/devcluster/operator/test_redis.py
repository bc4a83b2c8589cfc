"""The lives of real Redis databases: alone, under sentinels and as a cluster."""

import os
import signal

import pytest
import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.retry import Retry

from tests.devcluster.operator.conftest import STORAGE, Namespace, is_alive, wait_until

pytestmark = pytest.mark.processes
PLURAL, KIND = "redises", "Redis"


def connect(namespace: Namespace, database: str) -> redis.Redis:
    return redis.Redis(port=namespace.node_port(database), password=namespace.password(database))


def test_that_a_database_keeps_its_data_and_leaves_nothing(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "cart", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    assert namespace.get(path)["metadata"]["annotations"]["devcluster.local/running-version"].startswith("Valkey ")
    with connect(namespace, "cart") as client:
        client.set("parcel", "7")
        assert client.config_get("maxmemory")["maxmemory"] == str(1024 * 80 // 100 * 2**20)

    os.kill(namespace.server_pid("cart-0"), signal.SIGKILL)

    namespace.wait_for_phase(path, "NotReady")
    namespace.wait_for_phase(path, "Ready")
    with connect(namespace, "cart") as client:
        assert client.get("parcel") == b"7"

    namespace.patch(path, {"spec": {"halted": True}})
    namespace.wait_for_phase(path, "Halted")
    namespace.patch(path, {"spec": {"halted": False, "deletionPolicy": "WipeOut"}})
    namespace.wait_for_phase(path, "Ready")

    with connect(namespace, "cart") as client:
        assert client.get("parcel") == b"7"
    pid = namespace.server_pid("cart-0")
    namespace.client.delete(path).raise_for_status()
    namespace.wait_until_gone(path)
    assert not is_alive(pid)
    assert not (namespace.data_dir / "volumes" / namespace.name).exists()
    wait_until(lambda: not namespace.names("secrets"), "no secrets are left")


def test_that_a_wrong_password_is_refused(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "locked", version="7.4.6", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")

    with (
        redis.Redis(port=namespace.node_port("locked"), password="wrong", retry=Retry(NoBackoff(), 0)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_that_sentinels_watch_the_primary_and_services_follow_it(namespace: Namespace) -> None:
    sentinels = namespace.create(
        "redissentinels", "RedisSentinel", "watch", version="7.4.6", replicas=3, storage=STORAGE
    )
    path = namespace.create(
        PLURAL,
        KIND,
        "stock",
        version="7.4.6",
        mode="Sentinel",
        replicas=2,
        sentinelRef={"name": "watch", "namespace": namespace.name},
        storage=STORAGE,
        healthChecker={"periodSeconds": 1},
    )
    namespace.wait_for_phase(sentinels, "Ready")
    namespace.wait_for_phase(path, "Ready")
    name = f"{namespace.name}/stock"
    with connect(namespace, "stock") as client, connect(namespace, "watch") as sentinel:
        client.set("parcel", "7")
        wait_until(
            lambda: (
                sentinel.execute_command("SENTINEL", "MASTER", name)[b"num-other-sentinels"] == b"2"
                and sentinel.execute_command("SENTINEL", "MASTER", name)[b"num-slaves"] == b"1"
            ),
            "the sentinels know each other and the replica",
        )

        sentinel.execute_command("SENTINEL", "FAILOVER", name)

    wait_until(
        lambda: namespace.core("pods", "stock-1")["metadata"]["labels"]["kubedb.com/role"] == "primary",
        "the other pod is primary",
    )
    with connect(namespace, "stock") as client:
        wait_until(lambda: client.execute_command("ROLE")[0] == b"master", "the service leads to the new primary")
        assert client.get("parcel") == b"7"


def test_that_a_cluster_serves_all_slots_and_survives_a_pause(namespace: Namespace) -> None:
    path = namespace.create(
        PLURAL,
        KIND,
        "ring",
        version="7.4.6",
        mode="Cluster",
        cluster={"shards": 3, "replicas": 2},
        storage=STORAGE,
    )
    namespace.wait_for_phase(path, "Ready")
    with RedisCluster(
        host="127.0.0.1", port=namespace.node_port("ring"), password=namespace.password("ring")
    ) as client:
        for number in range(30):
            client.set(f"parcel-{number}", str(number))

    namespace.patch(path, {"spec": {"halted": True}})
    namespace.wait_for_phase(path, "Halted")
    namespace.patch(path, {"spec": {"halted": False}})
    namespace.wait_for_phase(path, "Ready")

    with RedisCluster(
        host="127.0.0.1", port=namespace.node_port("ring"), password=namespace.password("ring")
    ) as client:
        assert [client.get(f"parcel-{number}") for number in range(30)] == [b"%d" % number for number in range(30)]
    assert len(namespace.names("pods")) == 6
