"""MySQL: one server, or servers that replicate by group replication, as an InnoDB cluster, or semi-synchronously.

Versions 5.7 are not offered: KubeDB takes them only where `<name>.<name>-pods.<namespace>.svc` has at most 60 characters, and the names
that we give have more. Source of that rule: kubedb/apimachinery pkg/webhooks/kubedb/v1/mysql.go.

Source of the rest: kubedb/apimachinery apis/kubedb/v1/mysql_types.go, mysql_helpers.go; kubedb/installer catalog/kubedb/raw/mysql.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dbaas.core.errors import FieldError
from provisioning import bodies
from provisioning.changes import BackupTool, Changes, Held, Parameter, cnf_file, read_resources
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
from provisioning.metric_names import MetricNames, named
from provisioning.sizes import Resources

_COORDINATOR = Resources(cpu_millicores=200, memory_mib=256, storage_gib=0)
"""The sidecar `mysql-coordinator` of every replicated server. Source: apis/kubedb/constants.go DefaultResourcesCoordinator."""
_ROUTER = Resources(cpu_millicores=500, memory_mib=512, storage_gib=0)
"""Ours, and set in the manifest: a router forwards connections and stores nothing; half the memory that KubeDB would give it."""
_ROUTER_PORT = 6446
"""Where a router takes connections for the primary. Source: apis/kubedb/constants.go MySQLRouterReadWritePort."""
_MOST_MEMBERS_BY_REQUEST = 8
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
        groups.append(NodeGroup(role="router", count=topology["routers"], each=_ROUTER, is_monitored=False))
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


def _read(spec: Mapping[str, Any], topology: Topology) -> Held:
    changed = {} if topology["mode"] == "standalone" else {"replicas": int(spec["replicas"])}
    return Held(version=str(spec["version"]), topology={**topology, **changed}, resources=read_resources(spec, "mysql"))


def _refuse_members(now: Topology, then: Topology) -> Sequence[FieldError]:
    """Source: kubedb/apimachinery pkg/webhooks/ops/v1alpha1/mysql.go: members 3 to 8, although its message says 9."""
    if now.get("routers") != then.get("routers"):
        message = "KubeDB changes no number of routers: leave it as it is."
        return [FieldError(field="topology.routers", message=message, code="cannot_change")]
    if then["replicas"] > _MOST_MEMBERS_BY_REQUEST:
        message = f"KubeDB scales to {_MOST_MEMBERS_BY_REQUEST} members at most."
        return [FieldError(field="topology.replicas", message=message, code="out_of_range")]
    return []


_CHANGES = Changes(
    compute=lambda _topology, resources: {"mysql": {"resources": resources}},
    members=lambda topology: {"member": topology["replicas"]},
    storage=lambda _topology, size: {"mysql": size},
    read=_read,
    refuse_members=_refuse_members,
    refuse_upgrade=lambda topology: (
        "KubeDB upgrades no database with semi-synchronous replication: restore a backup into a new one of that version."
        if topology.get("replication") == "semisync"
        else ""
    ),
    configuration=lambda _topology, change: change,
    file_name="my-inline.cnf",
    render=cnf_file,
    parameters=(
        Parameter(name="max_connections", description="Connections at most.", minimum=10, maximum=100000),
        Parameter(name="wait_timeout", description="Longest idle connection, in s.", minimum=1, maximum=31536000),
        Parameter(
            name="max_allowed_packet", description="Largest packet, in bytes.", minimum=1048576, maximum=1073741824
        ),
        Parameter(
            name="innodb_lock_wait_timeout", description="Longest wait for a row lock, in s.", minimum=1, maximum=3600
        ),
        Parameter(name="long_query_time", description="What counts as slow, in s.", minimum=0, maximum=3600),
        Parameter(name="slow_query_log", description="Whether slow queries are logged.", allowed=("ON", "OFF")),
        Parameter(
            name="read_buffer_size",
            description="Memory of one sequential scan, in bytes.",
            minimum=8192,
            maximum=2147479552,
        ),
    ),
)


ENGINE = Engine(
    name="mysql",
    short_name="my",
    title="MySQL",
    kind="MySQL",
    ops_kind="MySQLOpsRequest",
    port=3306,
    default_version="8.4.8",
    metrics=MetricNames(
        connections=named("mysql_global_status_threads_connected"),
        connections_max=named("mysql_global_variables_max_connections"),
        operations=named("mysql_global_status_queries"),
    ),
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
    changes=_CHANGES,
    backup=BackupTool(
        addon="mysql-addon",
        params={"args": "--set-gtid-purged=OFF"},
        stash_task="mysql",
        archiver_kind="MySQLArchiver",
    ),
    check=_check,
    minimum_memory_mib=lambda _version: _MINIMUM_MEMORY_MIB,
)
