"""PostgreSQL.

Source: kubedb/apimachinery apis/kubedb/v1/postgres_types.go, postgres_helpers.go; kubedb/installer catalog/kubedb/raw/postgres.
"""

from collections.abc import Sequence
from urllib.parse import quote

from provisioning import bodies
from provisioning.engine import Address, Body, Count, DatabaseSpec, Engine, Mode, NodeGroup, Topology, Version
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
        "replicas": spec.topology.get("replicas", 1),
        "storage": bodies.volume_claim(spec.resources.storage_gib, spec.storage_class),
        "podTemplate": bodies.pod_template("postgres", spec.resources),
        **bodies.service_templates(spec),
    }
    if spec.topology["mode"] == "replicated":
        body["standbyMode"] = "Hot"
        body["streamingMode"] = "Asynchronous"
    return bodies.database_object("Postgres", spec, body)


def _uri(address: Address) -> str:
    user = quote(address.username, safe="")
    password = quote(address.password, safe="")
    return f"postgresql://{user}:{password}@{address.host}:{address.port}/postgres?sslmode=disable"


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
        *_official("11.22", end_of_life=True, up_to="16.8"),
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
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
)
