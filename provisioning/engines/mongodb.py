"""MongoDB: one server, a replica set, or a sharded cluster.

From version 5 on the server needs a processor with AVX; without it the database never becomes ready.

Source: kubedb/apimachinery apis/kubedb/v1/mongodb_types.go, mongodb_helpers.go; kubedb/installer catalog/kubedb/raw/mongodb.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from provisioning import bodies
from provisioning.changes import BackupTool, Block, Changes, Held, Parameter, read_resources, yaml_file
from provisioning.engine import Address, Body, Count, DatabaseSpec, Engine, Mode, NodeGroup, Topology, Version
from provisioning.metric_names import MetricNames, named
from provisioning.sizes import Resources

_DETECTOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `replication-mode-detector` of every member of a replica set. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_CONFIG_SERVER = Resources(cpu_millicores=500, memory_mib=1536, storage_gib=5)
"""Ours: a server that holds only the map of chunks; the memory that a server of the newest versions needs, and room for its journal."""
_MONGOS = Resources(cpu_millicores=500, memory_mib=1536, storage_gib=0)
"""Ours: a router has no disk; the memory that KubeDB gives it with the newest versions. Source: mongodb_helpers.go."""
_REPLICA_SET = "rs0"
"""Our name for the replica set; KubeDB never lets it change."""
_GREEDY_MAJOR = 8
"""The first version to which KubeDB gives more memory. Source: mongodb_helpers.go."""
_MOST_MEMBERS = 7
"""At most seven members of a replica set can vote (MongoDB, "Replica Set Limits"), and KubeDB adds each one as a voter, so an eighth is
never let in. Source: kubedb/mongodb-init-docker replicaset.sh, sharding.sh, configdb.sh."""


def _minimum_memory_mib(version: Version) -> int:
    """Return what KubeDB gives a server of that version when nobody says. Source: apis/kubedb/constants.go DefaultResourcesMongoDB8 and others."""
    return 1536 if version.major >= _GREEDY_MAJOR else 1024


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    member = resources.plus(_DETECTOR)
    if topology["mode"] == "standalone":
        return [NodeGroup(role="database", count=1, each=resources)]
    if topology["mode"] == "replicated":
        return [NodeGroup(role="database", count=topology["replicas"], each=member)]
    return [
        NodeGroup(role="shard", count=topology["shards"] * topology["replicas"], each=member),
        NodeGroup(role="config_server", count=topology["config_servers"], each=_CONFIG_SERVER.plus(_DETECTOR)),
        NodeGroup(role="mongos", count=topology["mongos"], each=_MONGOS),
    ]


def _database_manifest(spec: DatabaseSpec) -> Body:
    if spec.topology["mode"] == "sharded":
        body: Body = {"shardTopology": _shard_topology(spec)}
    else:
        body = bodies.nodes(spec.topology.get("replicas", 1), "mongodb", spec.resources, spec.storage_class)
    if spec.topology["mode"] == "replicated":
        body["replicaSet"] = {"name": _REPLICA_SET}
    return bodies.database_object("MongoDB", spec, {**body, **bodies.service_templates(spec)})


def _shard_topology(spec: DatabaseSpec) -> Body:
    asked = spec.topology
    shard = bodies.nodes(asked["replicas"], "mongodb", spec.resources, spec.storage_class)
    return {
        "shard": {"shards": asked["shards"], **shard},
        "configServer": bodies.nodes(asked["config_servers"], "mongodb", _CONFIG_SERVER, spec.storage_class),
        "mongos": {"replicas": asked["mongos"], "podTemplate": bodies.pod_template("mongodb", _MONGOS)},
    }


def _uri(address: Address) -> str:
    """Return all members of a replica set inside the cluster; outside only the primary's Service can be reached, so no others are looked for."""
    if address.topology["mode"] != "replicated":
        return f"mongodb://{address.login}@{address.location}/admin"
    if address.is_external:
        return f"mongodb://{address.login}@{address.location}/admin?directConnection=true"
    name, namespace = address.object_name, address.namespace
    members = range(address.topology["replicas"])
    hosts = ",".join(f"{name}-{member}.{name}-pods.{namespace}.svc:{address.port}" for member in members)
    return f"mongodb://{address.login}@{hosts}/admin?replicaSet={_REPLICA_SET}"


def _official(number: str, *, below: str, end_of_life: bool = False) -> Version:
    return Version(name=number, number=number, end_of_life=end_of_life, upgrades_to=f">= {number}, < {below}")


def _percona(number: str, *, below: str) -> Version:
    return Version(
        name=f"percona-{number}", number=number, distribution="Percona", upgrades_to=f">= {number}, < {below}"
    )


_NODES = {"standalone": "standalone", "replicated": "replicaSet", "sharded": "shard"}
"""What an OpsRequest calls the data nodes of each mode. Source: apis/ops/v1alpha1/mongodb_ops_types.go."""


def _read(spec: Mapping[str, Any], topology: Topology) -> Held:
    version = str(spec["version"])
    if topology["mode"] != "sharded":
        changed = {} if topology["mode"] == "standalone" else {"replicas": int(spec["replicas"])}
        return Held(version=version, topology={**topology, **changed}, resources=read_resources(spec, "mongodb"))
    parts = spec["shardTopology"]
    counts = {
        "shards": int(parts["shard"]["shards"]),
        "replicas": int(parts["shard"]["replicas"]),
        "config_servers": int(parts["configServer"]["replicas"]),
        "mongos": int(parts["mongos"]["replicas"]),
    }
    resources = read_resources(parts["shard"], "mongodb")
    return Held(version=version, topology={**topology, **counts}, resources=resources)


def _members(topology: Topology) -> Block:
    if topology["mode"] != "sharded":
        return {"replicas": topology["replicas"]}
    return {
        "shard": {"shards": topology["shards"], "replicas": topology["replicas"]},
        "configServer": {"replicas": topology["config_servers"]},
        "mongos": {"replicas": topology["mongos"]},
    }


_CHANGES = Changes(
    compute=lambda topology, resources: {_NODES[topology["mode"]]: {"resources": resources}},
    members=_members,
    storage=lambda topology, size: {_NODES[topology["mode"]]: size},
    read=_read,
    configuration=lambda topology, change: {_NODES[topology["mode"]]: change},
    file_name="mongod.conf",
    render=yaml_file,
    parameters=(
        Parameter(name="net.maxIncomingConnections", description="Connections at most.", minimum=10, maximum=1000000),
        Parameter(
            name="operationProfiling.slowOpThresholdMs",
            description="What counts as slow, in ms.",
            minimum=0,
            maximum=3600000,
        ),
        Parameter(name="operationProfiling.mode", description="What is profiled.", allowed=("off", "slowOp", "all")),
        Parameter(name="systemLog.verbosity", description="How much is logged.", minimum=0, maximum=5),
    ),
)


ENGINE = Engine(
    name="mongodb",
    short_name="mg",
    title="MongoDB",
    kind="MongoDB",
    ops_kind="MongoDBOpsRequest",
    port=27017,
    default_version="8.0.17",
    default_database="admin",
    metrics=MetricNames(
        connections=named("mongodb_ss_connections", conn_type="current"),
        connections_max=(
            *named("mongodb_ss_connections", conn_type="current"),
            *named("mongodb_ss_connections", conn_type="available"),
        ),
        operations=named("mongodb_ss_opcounters"),
    ),
    versions=(
        _official("8.0.17", below="10.0.0"),
        _official("8.0.10", below="10.0.0"),
        _official("7.0.28", below="9.0.0"),
        _official("7.0.21", below="9.0.0"),
        _official("6.0.24", below="8.0.0", end_of_life=True),
        _official("5.0.31", below="7.0.0", end_of_life=True),
        _official("4.4.26", below="6.0.0", end_of_life=True),
        _percona("8.0.17", below="9.0.0"),
        _percona("8.0.8", below="9.0.0"),
        _percona("7.0.28", below="9.0.0"),
        _percona("7.0.18", below="9.0.0"),
        _percona("6.0.24", below="8.0.0"),
        _percona("5.0.29", below="7.0.0"),
        _percona("4.4.26", below="6.0.0"),
    ),
    modes=(
        Mode(name="standalone", description="One server; a restart is a short outage, and there are no transactions."),
        Mode(
            name="replicated",
            description="A replica set: one primary and secondaries, with automatic failover.",
            fields=(
                Count(
                    name="replicas",
                    default=3,
                    minimum=3,
                    maximum=_MOST_MEMBERS,
                    description="Members in all, the primary included, each with a vote; an odd number is best.",
                ),
            ),
        ),
        Mode(
            name="sharded",
            description="Data spread over shards, each a replica set, behind mongos routers.",
            fields=(
                Count(
                    name="shards",
                    default=2,
                    minimum=1,
                    maximum=32,
                    description="Shards; each takes a part of the data.",
                ),
                Count(
                    name="replicas",
                    default=3,
                    minimum=1,
                    maximum=_MOST_MEMBERS,
                    description="Members of each shard; an odd number is best, and one alone has no failover.",
                ),
                Count(
                    name="config_servers",
                    default=3,
                    minimum=1,
                    maximum=_MOST_MEMBERS,
                    description="Small servers that know which shard has what; an odd number is best.",
                ),
                Count(name="mongos", default=2, minimum=1, maximum=20, description="Routers that clients connect to."),
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
    changes=_CHANGES,
    backup=BackupTool(addon="mongodb-addon", params={}, stash_task="mongodb", archiver_kind="MongoDBArchiver"),
    minimum_memory_mib=_minimum_memory_mib,
)
