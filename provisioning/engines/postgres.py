"""PostgreSQL: one server, or a primary with hot standbys.

Offered are KubeDB's official Alpine builds. Each has Debian twins and variants with extensions, but KubeDB upgrades neither from one base
system to another nor from one distribution to another, and the numbers of most variants say nothing about the server inside.

Source: kubedb/apimachinery apis/kubedb/v1/postgres_types.go, postgres_helpers.go; kubedb/installer catalog/kubedb/raw/postgres.
"""

from collections.abc import Sequence

from provisioning import bodies
from provisioning.engine import Address, Body, Choice, Count, DatabaseSpec, Engine, Mode, NodeGroup, Topology, Version
from provisioning.sizes import Resources

_COORDINATOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `pg-coordinator`, which KubeDB adds to every pod. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_ARBITER = Resources(cpu_millicores=200, memory_mib=256, storage_gib=2)
"""One voting pod without data that KubeDB adds when the number of replicas is even. Source: same file."""


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    replicas = topology.get("replicas", 1)
    groups = [NodeGroup(role="database", count=replicas, each=resources.plus(_COORDINATOR))]
    if replicas % 2 == 0:
        groups.append(NodeGroup(role="arbiter", count=1, each=_ARBITER))
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


ENGINE = Engine(
    name="postgres",
    short_name="pg",
    title="PostgreSQL",
    kind="Postgres",
    ops_kind="PostgresOpsRequest",
    port=5432,
    default_version="17.5",
    default_database="postgres",
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
)
