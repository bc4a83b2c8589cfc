"""Redis and Valkey: one server, a primary with replicas under sentinels (`replicated`), or a Redis cluster (`sharded`).

Versions before 6 are not offered: they know no users. KubeDB runs version 4 without any password, and version 5 refuses a client that
sends the user name of our connection URI.

Source: kubedb/apimachinery apis/kubedb/v1/redis_types.go, redis_helpers.go, redissentinel_types.go; kubedb/installer catalog/kubedb/raw/redis.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dbaas.core.errors import FieldError
from provisioning import bodies
from provisioning.changes import BackupTool, Block, Changes, Held, Parameter, directives, read_resources
from provisioning.engine import (
    Address,
    Body,
    Count,
    DatabaseSpec,
    Engine,
    Mode,
    NodeGroup,
    Topology,
    Version,
    unsupported,
)
from provisioning.metric_names import MetricNames, named
from provisioning.sizes import Resources

_COORDINATOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `rd-coordinator` of every server under sentinels. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_SENTINEL = Resources(cpu_millicores=200, memory_mib=256, storage_gib=1)
"""Ours, and set in the manifest: a sentinel only watches; what KubeDB gives its other watchers, and its smallest disk."""
_SENTINELS = 3
"""The fewest of which a majority is left when one fails."""


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    if topology["mode"] == "standalone":
        return [NodeGroup(role="database", count=1, each=resources)]
    if topology["mode"] == "sharded":
        return [NodeGroup(role="shard", count=topology["shards"] * topology["replicas"], each=resources)]
    return [
        NodeGroup(role="database", count=topology["replicas"], each=resources.plus(_COORDINATOR)),
        NodeGroup(role="sentinel", count=_SENTINELS, each=_SENTINEL, is_monitored=False),
    ]


def _sentinel_name(spec: DatabaseSpec) -> str:
    return f"{spec.object_name}-sentinel"


def _companion_manifests(spec: DatabaseSpec) -> tuple[Body, ...]:
    """Return the sentinels, each database's own: shared ones could not be deleted, moved or upgraded with it."""
    if spec.topology["mode"] != "replicated":
        return ()
    body = bodies.nodes(_SENTINELS, "redissentinel", _SENTINEL, spec.storage_class)
    return (bodies.database_object("RedisSentinel", spec, body, name=_sentinel_name(spec), is_monitored=False),)


def _database_manifest(spec: DatabaseSpec) -> Body:
    body: Body = {
        **_layout(spec),
        "storage": bodies.volume_claim(spec.resources.storage_gib, spec.storage_class),
        "podTemplate": bodies.pod_template("redis", spec.resources),
        **bodies.service_templates(spec),
    }
    return bodies.database_object("Redis", spec, body)


def _layout(spec: DatabaseSpec) -> Body:
    asked = spec.topology
    if asked["mode"] == "standalone":
        return {"mode": "Standalone", "replicas": 1}
    if asked["mode"] == "sharded":
        return {"mode": "Cluster", "cluster": {"shards": asked["shards"], "replicas": asked["replicas"]}}
    sentinels = {"name": _sentinel_name(spec), "namespace": spec.namespace}
    return {"mode": "Sentinel", "replicas": asked["replicas"], "sentinelRef": sentinels}


def _uri(address: Address) -> str:
    return f"redis://{address.login}@{address.location}/0"


def _check(topology: Topology, version: Version, _resources: Resources) -> Sequence[FieldError]:
    return unsupported(topology, version, _VERSIONS)


def _official(number: str, *, below: str = "", without: str = "") -> Version:
    return Version(
        name=number,
        number=number,
        upgrades_to=f">= {number}, < {below}" if below else "",
        modes_without=frozenset({without} if without else ()),
    )


def _valkey(number: str) -> Version:
    return Version(name=f"valkey-{number}", number=number, distribution="Valkey")


_VERSIONS = (
    _official("8.2.2"),
    _official("8.0.4", below="8.2.2"),
    _official("7.4.6", below="8.2.2"),
    _official("7.4.1"),
    _official("7.4.0", below="7.4.2"),
    _official("7.2.6", below="7.4.2"),
    _official("7.2.4", below="7.4.2"),
    _official("7.2.3", below="7.4.2"),
    _official("7.0.15", below="7.4.2"),
    _official("7.0.14", below="7.4.2"),
    _official("6.2.16", below="7.0.16"),
    _official("6.2.14", below="7.0.15"),
    # sentinels need 6.2.5: kubedb/apimachinery pkg/webhooks/kubedb/v1/redis.go
    _official("6.0.20", below="6.2.15", without="replicated"),
    _valkey("8.1.1"),
    _valkey("8.0.3"),
    _valkey("7.2.9"),
    _valkey("7.2.5"),
)


def _read(spec: Mapping[str, Any], topology: Topology) -> Held:
    changed: dict[str, int] = {}
    if topology["mode"] == "sharded":
        changed = {"shards": int(spec["cluster"]["shards"]), "replicas": int(spec["cluster"]["replicas"])}
    elif topology["mode"] == "replicated":
        changed = {"replicas": int(spec["replicas"])}
    return Held(version=str(spec["version"]), topology={**topology, **changed}, resources=read_resources(spec, "redis"))


def _members(topology: Topology) -> Block:
    names = ("shards", "replicas") if topology["mode"] == "sharded" else ("replicas",)
    return {name: topology[name] for name in names}


def _refuse_members(now: Topology, then: Topology) -> Sequence[FieldError]:
    """Source: kubedb/apimachinery pkg/webhooks/ops/v1alpha1/redis.go."""
    steps = [then[name] - now[name] for name in ("shards", "replicas") if name in now]
    if max(steps) > 0 > min(steps):
        message = (
            "KubeDB does not go up with the one and down with the other at once: ask for the one, then for the other."
        )
        return [FieldError(field="topology", message=message, code="up_and_down")]
    return []


_CHANGES = Changes(
    compute=lambda _topology, resources: {"redis": {"resources": resources}},
    members=_members,
    storage=lambda _topology, size: {"redis": size},
    read=_read,
    refuse_members=_refuse_members,
    configuration=lambda _topology, change: change,
    file_name="redis.conf",
    render=directives,
    parameters=(
        Parameter(
            name="maxmemory-policy",
            description="What goes when memory is full.",
            allowed=(
                "noeviction",
                "allkeys-lru",
                "allkeys-lfu",
                "allkeys-random",
                "volatile-lru",
                "volatile-lfu",
                "volatile-ttl",
                "volatile-random",
            ),
        ),
        Parameter(name="maxclients", description="Connections at most.", minimum=10, maximum=100000),
        Parameter(name="timeout", description="Longest idle connection, in s; 0: no limit.", minimum=0, maximum=86400),
        Parameter(
            name="slowlog-log-slower-than",
            description="What counts as slow, in µs; -1: nothing.",
            minimum=-1,
            maximum=3600000000,
        ),
        Parameter(name="appendfsync", description="How soon a write is on disk.", allowed=("always", "everysec", "no")),
    ),
)


ENGINE = Engine(
    name="redis",
    short_name="rd",
    title="Redis",
    kind="Redis",
    ops_kind="RedisOpsRequest",
    port=6379,
    default_version="7.4.6",
    default_database="0",
    metrics=MetricNames(
        connections=named("redis_connected_clients"),
        connections_max=named("redis_config_maxclients"),
        operations=named("redis_commands_processed_total"),
        cache_hits=named("redis_keyspace_hits_total"),
        cache_misses=named("redis_keyspace_misses_total"),
        replication_lag_seconds=named("redis_connected_slave_lag_seconds"),
    ),
    versions=_VERSIONS,
    modes=(
        Mode(name="standalone", description="One server; a restart is a short outage."),
        Mode(
            name="replicated",
            description="One primary and replicas; three sentinels watch them and fail over. Any client can connect.",
            fields=(
                Count(
                    name="replicas",
                    default=3,
                    minimum=2,
                    maximum=9,
                    description="Servers in all, the primary included; the sentinels come on top.",
                ),
            ),
        ),
        Mode(
            name="sharded",
            description="A Redis cluster: keys spread over shards. Needs a cluster-aware client that reaches every server.",
            fields=(
                Count(
                    name="shards",
                    default=3,
                    minimum=3,
                    maximum=32,
                    description="Shards; each takes a part of the keys.",
                ),
                Count(
                    name="replicas",
                    default=2,
                    minimum=2,
                    maximum=6,
                    description="Servers of each shard, its primary included.",
                ),
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
    changes=_CHANGES,
    backup=BackupTool(addon="redis-addon", params={}, stash_task="redis"),
    companion_manifests=_companion_manifests,
    check=_check,
)
