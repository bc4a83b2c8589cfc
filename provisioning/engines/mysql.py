"""MySQL: one server, or servers that replicate by group replication, as an InnoDB cluster, or semi-synchronously.

Versions 5.7 are not offered: KubeDB takes them only where `<name>.<name>-pods.<namespace>.svc` has at most 60 characters, and the names
that we give have more. Source of that rule: kubedb/apimachinery pkg/webhooks/kubedb/v1/mysql.go.

Source of the rest: kubedb/apimachinery apis/kubedb/v1/mysql_types.go, mysql_helpers.go; kubedb/installer catalog/kubedb/raw/mysql.
"""

from collections.abc import Sequence

from dbaas.core.errors import FieldError
from provisioning import bodies
from provisioning.engine import (
    Address,
    Body,
    Choice,
    Count,
    DatabaseSpec,
    Engine,
    Mode,
    NodeGroup,
    Topology,
    Version,
    unsupported,
)
from provisioning.sizes import Resources

_COORDINATOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `mysql-coordinator` of every replicated server. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_ROUTER = Resources(cpu_millicores=500, memory_mib=512, storage_gib=0)
"""Ours, and set in the manifest: a router forwards connections and stores nothing; half the memory that KubeDB would give it."""
_ROUTER_PORT = 6446
"""Where a router takes connections for the primary. Source: apis/kubedb/constants.go MySQLRouterReadWritePort."""
_MINIMUM_MEMORY_MIB = 1024
"""What KubeDB gives a server when nobody says. Source: apis/kubedb/constants.go DefaultResources."""

_KUBEDB_TOPOLOGIES: dict[str, Body] = {
    "group": {"mode": "GroupReplication", "group": {"mode": "Single-Primary"}},
    "innodb": {"mode": "InnoDBCluster"},
    "semisync": {
        "mode": "SemiSync",
        "semiSync": {
            "sourceWaitForReplicaCount": 1,
            "sourceTimeout": "24h",
            "errantTransactionRecoveryPolicy": "PseudoTransaction",
        },
    },
}
"""KubeDB's words for our choices; the amounts under `semiSync` are its defaults, written out. Source: mysql_types.go."""


def _build(
    number: str,
    *,
    up_to: str = "",
    name: str = "",
    end_of_life: bool = False,
    without: str = "",
    distribution: str = "Official",
) -> Version:
    ceiling = f", <= {up_to}" if up_to else ""
    return Version(
        name=name or number,
        number=number,
        distribution=distribution,
        end_of_life=end_of_life,
        upgrades_to=f">= {number}{ceiling}",
        modes_without=frozenset({without} if without else ()),
    )


_VERSIONS = (
    _build("9.7.1"),
    _build("9.6.0", up_to="9.7.1", end_of_life=True),
    _build("9.4.0", up_to="9.7.1", end_of_life=True),
    _build("9.1.0", up_to="9.7.1", end_of_life=True),
    _build("9.0.1", up_to="9.7.1", end_of_life=True),
    _build("8.4.8", up_to="9.1.0"),
    _build("8.4.3", up_to="9.1.0"),
    _build("8.4.2", up_to="9.1.0"),
    _build("8.2.0", up_to="9.1.0", end_of_life=True),
    _build("8.1.0", up_to="9.1.0", end_of_life=True),
    _build("8.0.36", up_to="9.1.0", end_of_life=True, without="innodb"),
    _build("8.0.35", up_to="9.1.0", end_of_life=True),
    _build("8.0.31", up_to="8.0.31", end_of_life=True, name="8.0.31-innodb", distribution="MySQL"),
)


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    if topology["mode"] == "standalone":
        return [NodeGroup(role="database", count=1, each=resources)]
    groups = [NodeGroup(role="database", count=topology["replicas"], each=resources.plus(_COORDINATOR))]
    if topology["replication"] == "innodb":
        groups.append(NodeGroup(role="router", count=topology["routers"], each=_ROUTER))
    return groups


def _database_manifest(spec: DatabaseSpec) -> Body:
    body: Body = {
        **bodies.nodes(spec.topology.get("replicas", 1), "mysql", spec.resources, spec.storage_class),
        **bodies.service_templates(spec),
    }
    if spec.topology["mode"] == "replicated":
        body["topology"] = _kubedb_topology(spec.topology)
    return bodies.database_object("MySQL", spec, body)


def _kubedb_topology(topology: Topology) -> Body:
    chosen = dict(_KUBEDB_TOPOLOGIES[topology["replication"]])
    if topology["replication"] == "innodb":
        template = bodies.pod_template("mysql-router", _ROUTER)
        chosen["innoDBCluster"] = {"router": {"replicas": topology["routers"], "podTemplate": template}}
    return chosen


def _uri(address: Address) -> str:
    """Return the router's address where there is one and it can be reached: the Service that is exposed is the primary's."""
    if address.topology.get("replication") == "innodb" and not address.is_external:
        host = f"{address.object_name}-router.{address.namespace}.svc:{_ROUTER_PORT}"
        return f"mysql://{address.login}@{host}/"
    return f"mysql://{address.login}@{address.location}/"


def _check(topology: Topology, version: Version, _resources: Resources) -> Sequence[FieldError]:
    return unsupported(topology, version, _VERSIONS)


ENGINE = Engine(
    name="mysql",
    short_name="my",
    title="MySQL",
    kind="MySQL",
    ops_kind="MySQLOpsRequest",
    port=3306,
    default_version="8.4.8",
    versions=_VERSIONS,
    modes=(
        Mode(name="standalone", description="One server; a restart is a short outage."),
        Mode(
            name="replicated",
            description="One primary and read-only replicas, with automatic failover.",
            fields=(
                Choice(
                    name="replication",
                    default="group",
                    allowed=("group", "innodb", "semisync"),
                    description=(
                        "`group`: group replication, a majority agrees to each commit. `innodb`: the same with MySQL Router"
                        " in front. `semisync`: a commit waits for one replica; it cannot be upgraded to another version."
                    ),
                ),
                Count(
                    name="replicas",
                    default=3,
                    minimum=3,
                    maximum=9,
                    description="Servers in all, the primary included; an odd number is best.",
                ),
                Count(
                    name="routers",
                    default=1,
                    minimum=1,
                    maximum=9,
                    description="Routers in front of the servers; only with replication `innodb`.",
                    only_with=("replication", "innodb"),
                ),
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
    check=_check,
    minimum_memory_mib=lambda _version: _MINIMUM_MEMORY_MIB,
)
