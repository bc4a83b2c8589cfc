"""PostgreSQL: one server, or a primary with hot standbys.

Offered are KubeDB's official Alpine builds. Each has Debian twins and variants with extensions, but KubeDB upgrades neither from one base
system to another nor from one distribution to another, and the numbers of most variants say nothing about the server inside.

Source: kubedb/apimachinery apis/kubedb/v1/postgres_types.go, postgres_helpers.go; kubedb/installer catalog/kubedb/raw/postgres.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from provisioning import bodies
from provisioning.changes import BackupTool, Changes, Held, Parameter, assignments, read_resources
from provisioning.engine import Address, Body, Choice, Count, DatabaseSpec, Engine, Mode, NodeGroup, Topology, Version
from provisioning.metric_names import MetricNames, named
from provisioning.sizes import Resources

_COORDINATOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `pg-coordinator`, which KubeDB adds to every pod. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_ARBITER = Resources(cpu_millicores=200, memory_mib=256, storage_gib=2)
"""One voting pod without data that KubeDB adds when the number of replicas is even. Source: same file."""


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    replicas = topology.get("replicas", 1)
    groups = [NodeGroup(role="database", count=replicas, each=resources.plus(_COORDINATOR))]
    if replicas % 2 == 0:
        groups.append(NodeGroup(role="arbiter", count=1, each=_ARBITER, is_monitored=False))
    return groups


def _database_manifest(spec: DatabaseSpec) -> Body:
    body: Body = {
        **bodies.nodes(spec.topology.get("replicas", 1), "postgres", spec.resources, spec.storage_class),
        **bodies.service_templates(spec),
    }
    if spec.topology["mode"] == "replicated":
        body["standbyMode"] = "Hot"
        body |= _streaming(spec.topology["streaming"])
    return bodies.database_object("Postgres", spec, body)


def _streaming(streaming: str) -> Body:
    """Return how standbys follow: with `synchronous` a commit waits for any one of them, so that the others may be away."""
    if streaming == "asynchronous":
        return {"streamingMode": "Asynchronous"}
    return {
        "streamingMode": "Synchronous",
        "synchronousReplicationConfig": {"mode": "Any", "numSyncReplicas": 1},
    }


def _uri(address: Address) -> str:
    return f"postgresql://{address.login}@{address.location}/postgres?sslmode=disable"


def _official(*numbers: str, end_of_life: bool = False, up_to: str = "") -> tuple[Version, ...]:
    ceiling = f", <= {up_to}" if up_to else ""
    return tuple(
        Version(name=number, number=number, end_of_life=end_of_life, upgrades_to=f">= {number}{ceiling}")
        for number in numbers
    )


def _read(spec: Mapping[str, Any], topology: Topology) -> Held:
    changed = {} if topology["mode"] == "standalone" else {"replicas": int(spec["replicas"])}
    return Held(
        version=str(spec["version"]),
        topology={**topology, **changed},
        resources=read_resources(spec, "postgres"),
    )


_CHANGES = Changes(
    compute=lambda _topology, resources: {"postgres": {"resources": resources}},
    members=lambda topology: {"replicas": topology["replicas"]},
    storage=lambda _topology, size: {"postgres": size},
    read=_read,
    configuration=lambda _topology, change: {**change, "restart": "auto"},
    file_name="user.conf",
    render=assignments,
    parameters=(
        Parameter(name="max_connections", description="Connections at most.", minimum=10, maximum=10000),
        Parameter(name="work_mem", description="Memory of one sort or hash, in KiB.", minimum=64, maximum=2097151),
        Parameter(
            name="maintenance_work_mem",
            description="Memory of VACUUM and CREATE INDEX, in KiB.",
            minimum=1024,
            maximum=2097151,
        ),
        Parameter(
            name="statement_timeout", description="Longest statement, in ms; 0: no limit.", minimum=0, maximum=86400000
        ),
        Parameter(
            name="idle_in_transaction_session_timeout",
            description="Longest idle transaction, in ms; 0: no limit.",
            minimum=0,
            maximum=86400000,
        ),
        Parameter(
            name="log_min_duration_statement",
            description="Log statements slower than this, in ms; -1: none.",
            minimum=-1,
            maximum=86400000,
        ),
        Parameter(
            name="random_page_cost",
            description="Planner's price of a random page.",
            allowed=("1.0", "1.1", "1.5", "2.0", "4.0"),
        ),
        Parameter(
            name="wal_level",
            description="How much the log tells; `logical` for logical replication.",
            allowed=("replica", "logical"),
        ),
        Parameter(name="autovacuum_max_workers", description="Vacuum workers at most.", minimum=1, maximum=20),
    ),
)


ENGINE = Engine(
    name="postgres",
    short_name="pg",
    title="PostgreSQL",
    kind="Postgres",
    ops_kind="PostgresOpsRequest",
    port=5432,
    default_version="17.5",
    default_database="postgres",
    metrics=MetricNames(
        connections=named("pg_stat_activity_count"),
        connections_max=named("pg_settings_max_connections"),
        operations=named("pg_stat_database_xact_commit", "pg_stat_database_xact_rollback"),
        cache_hits=named("pg_stat_database_blks_hit"),
        cache_misses=named("pg_stat_database_blks_read"),
        replication_lag_seconds=named("pg_replication_lag_seconds"),
    ),
    versions=(
        *_official("18.3", "18.2"),
        *_official("17.9", "17.8", "17.5", "17.4", "17.2"),
        *_official("16.13", "16.12", "16.10", "16.9", "16.8", "16.6", "16.4", "16.1"),
        *_official("15.17", "15.16", "15.13", "15.12", "15.10", "15.8", "15.5"),
        *_official("14.22", "14.21", "14.18", "14.17", "14.15", "14.13", "14.10"),
        *_official("13.21", "13.20", "13.18", "13.13", end_of_life=True),
        *_official("12.22", "12.17", end_of_life=True),
        *_official("11.22", "10.23", end_of_life=True, up_to="16.8"),
    ),
    modes=(
        Mode(name="standalone", description="One server; a restart is a short outage."),
        Mode(
            name="replicated",
            description="One primary and hot standbys by streaming replication, with automatic failover.",
            fields=(
                Count(
                    name="replicas",
                    default=3,
                    minimum=2,
                    maximum=9,
                    description="Servers in all, the primary included. An even number adds a small voting pod.",
                ),
                Choice(
                    name="streaming",
                    default="asynchronous",
                    allowed=("asynchronous", "synchronous"),
                    description=(
                        "Whether a commit waits for a standby. `synchronous` loses nothing in a failover;"
                        " commits are slower, and wait while no standby is there."
                    ),
                ),
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
    changes=_CHANGES,
    backup=BackupTool(
        addon="postgres-addon",
        # Without the roles' passwords a restore cannot make the password in the Secret wrong.
        params={"args": "--clean --if-exists --no-role-passwords"},
        stash_task="postgres",
        archiver_kind="PostgresArchiver",
    ),
)
