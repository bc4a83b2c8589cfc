"""Real Valkey servers through all types of requests: the keys stay, and the servers do what the objects say."""

import asyncio
import contextlib
from typing import Any

import pytest

from devcluster.operator.probes import RedisError, Reply, ask_redis
from tests.devcluster.operator.conftest import STORAGE, Body, Namespace, wait_until
from tests.devcluster.operator.ops.asking import carry_out, request

pytestmark = pytest.mark.processes
KIND = "Redis"


def memory(size: str) -> Body:
    return {"redis": {"resources": {"requests": {"cpu": "100m", "memory": size}, "limits": {"memory": size}}}}


def on_pod(namespace: Namespace, database: str, pod: str, *command: str) -> Reply:
    """Ask the server of one pod."""
    address = namespace.core("pods", pod)["metadata"]["annotations"]["devcluster.local/address"]
    port, password = int(address.rpartition(":")[2]), namespace.password(database)
    return asyncio.run(ask_redis(port, password, command))[0]


def make(namespace: Namespace, name: str, **spec: Any) -> str:
    path = namespace.create("redises", KIND, name, version="7.4.6", storage=STORAGE, **spec)
    namespace.wait_for_phase(path, "Ready")
    return path


def test_that_a_server_alone_is_scaled_reconfigured_and_upgraded(namespace: Namespace) -> None:
    path = make(namespace, "cart")
    on_pod(namespace, "cart", "cart-0", "SET", "parcel", "7")
    password = namespace.password("cart")

    carry_out(namespace, KIND, "up", "cart", "VerticalScaling", verticalScaling=memory("2Gi"))
    configuration = {"applyConfig": {"redis.conf": "maxmemory-policy allkeys-lru"}}
    carry_out(namespace, KIND, "lru", "cart", "Reconfigure", configuration=configuration)
    carry_out(namespace, KIND, "turn", "cart", "RotateAuth")
    carry_out(namespace, KIND, "newer", "cart", "UpdateVersion", updateVersion={"targetVersion": "8.0.4"})

    assert namespace.password("cart") != password
    assert on_pod(namespace, "cart", "cart-0", "GET", "parcel") == "7"
    settings = on_pod(namespace, "cart", "cart-0", "CONFIG", "GET", "maxmemory", "maxmemory-policy")
    assert isinstance(settings, list)
    assert dict(zip(settings[::2], settings[1::2], strict=True)) == {
        "maxmemory": str(2048 * 80 // 100 * 2**20),
        "maxmemory-policy": "allkeys-lru",
    }
    assert namespace.get(path)["spec"]["version"] == "8.0.4"


def test_that_servers_under_sentinels_follow_every_change(namespace: Namespace) -> None:
    sentinels = namespace.create(
        "redissentinels", "RedisSentinel", "eyes", version="7.4.6", storage=STORAGE, replicas=3
    )
    namespace.wait_for_phase(sentinels, "Ready")
    make(namespace, "cart", mode="Sentinel", replicas=2, sentinelRef={"name": "eyes"})
    on_pod(namespace, "cart", "cart-0", "SET", "parcel", "7")

    carry_out(namespace, KIND, "out", "cart", "HorizontalScaling", horizontalScaling={"replicas": 3})

    wait_until(lambda: on_pod(namespace, "cart", "cart-2", "GET", "parcel") == "7", "the new replica has the key")

    carry_out(namespace, KIND, "turn", "cart", "RotateAuth")
    carry_out(namespace, "RedisSentinel", "turn", "eyes", "RotateAuth")
    newer = {"updateVersion": {"targetVersion": "8.0.4"}}
    with pytest.raises(AssertionError, match="different version of sentinel"):
        request(namespace, KIND, "early", "cart", "UpdateVersion", **newer)
    carry_out(namespace, "RedisSentinel", "newer", "eyes", "UpdateVersion", **newer)
    carry_out(namespace, KIND, "newer", "cart", "UpdateVersion", **newer)
    make_primary_of_another(namespace)
    carry_out(namespace, KIND, "in", "cart", "HorizontalScaling", horizontalScaling={"replicas": 1})

    assert namespace.names("pods") == {"cart-0", "eyes-0", "eyes-1", "eyes-2"}
    assert on_pod(namespace, "cart", "cart-0", "GET", "parcel") == "7"

    def watched() -> bool:
        answer = on_pod(namespace, "eyes", "eyes-1", "SENTINEL", "MASTER", f"{namespace.name}/cart")
        rows = dict(zip(answer[::2], answer[1::2], strict=True)) if isinstance(answer, list) else {}
        return rows.get("num-slaves") == "0" and rows.get("flags") == "master"

    wait_until(watched, "the sentinels can log in, and have forgotten the replicas")


def make_primary_of_another(namespace: Namespace) -> None:
    """Let the sentinels choose another primary than the pod that stays."""
    watched = f"{namespace.name}/cart"
    address = namespace.core("pods", "cart-0")["metadata"]["annotations"]["devcluster.local/address"]

    def is_another() -> bool:
        with contextlib.suppress(RedisError, OSError):
            told = on_pod(namespace, "eyes", "eyes-0", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", watched)
            if told != address.split(":"):
                return on_pod(namespace, "cart", "cart-0", "ROLE")[0] != "master"  # type: ignore[index] # the reply's own shape
            on_pod(namespace, "eyes", "eyes-0", "SENTINEL", "FAILOVER", watched)
        return False

    wait_until(is_another, "another server is the primary")


def test_that_a_cluster_grows_and_shrinks_with_all_its_keys(namespace: Namespace) -> None:
    path = make(namespace, "grid", mode="Cluster", cluster={"shards": 3, "replicas": 2})
    keys = {f"parcel-{number}": str(number) for number in range(20)}
    for key, value in keys.items():
        write(namespace, key, value)

    carry_out(namespace, KIND, "out", "grid", "HorizontalScaling", horizontalScaling={"shards": 4})

    assert {key: read(namespace, key) for key in keys} == keys
    assert len(namespace.names("pods")) == 8
    assert on_pod(namespace, "grid", "grid-shard3-0", "DBSIZE") != 0

    carry_out(namespace, KIND, "in", "grid", "HorizontalScaling", horizontalScaling={"shards": 3})

    assert {key: read(namespace, key) for key in keys} == keys
    assert len(namespace.names("pods")) == 6
    assert namespace.get(path)["spec"]["cluster"] == {"shards": 3, "replicas": 2}


def write(namespace: Namespace, key: str, value: str) -> None:
    on_pod(namespace, "grid", home(namespace, key), "SET", key, value)


def read(namespace: Namespace, key: str) -> Reply:
    return on_pod(namespace, "grid", home(namespace, key), "GET", key)


def home(namespace: Namespace, key: str) -> str:
    """Find the pod of the primary that holds a key."""
    slot = on_pod(namespace, "grid", "grid-shard0-0", "CLUSTER", "KEYSLOT", key)
    rows = on_pod(namespace, "grid", "grid-shard0-0", "CLUSTER", "SLOTS")
    assert isinstance(rows, list)
    port = next(row[2][1] for row in rows if row[0] <= slot <= row[1])  # type: ignore[index,operator] # the reply's own shape
    addresses = {
        pod["metadata"]["annotations"]["devcluster.local/address"].rpartition(":")[2]: pod["metadata"]["name"]
        for pod in namespace.listed("pods")
    }
    return str(addresses[str(port)])
