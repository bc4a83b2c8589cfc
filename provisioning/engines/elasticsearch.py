"""Elasticsearch and OpenSearch: one node, nodes that do everything (`replicated`), or nodes by role (`sharded`).

HTTP is always encrypted, with a certificate that KubeDB signs itself: clients need its CA. Elasticsearch needs a privileged init container
for a kernel setting, so namespaces with the `restricted` Pod Security level cannot run it.

Source: kubedb/apimachinery apis/kubedb/v1/elasticsearch_types.go, elasticsearch_helpers.go; kubedb/installer catalog/kubedb/raw/elasticsearch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dbaas.core.errors import FieldError
from provisioning import bodies
from provisioning.changes import BackupTool, Changes, Held, Parameter, flat_yaml, read_resources
from provisioning.engine import (
    Address,
    Body,
    Count,
    DatabaseSpec,
    Engine,
    Mode,
    NodeCounts,
    NodeGroup,
    Topology,
    Version,
)
from provisioning.metric_names import MetricNames, named
from provisioning.sizes import Resources

_SMALL_NODE = Resources(cpu_millicores=500, memory_mib=2048, storage_gib=2)
"""Ours, for masters and ingest nodes: they hold no data. Memory that suits every version, KubeDB's default for the processor, its smallest disk."""
_ROLES = ("master", "data", "ingest")
_SPLIT_VOTE = 2
"""With two masters none has a majority once the other is away."""


def _minimum_memory_mib(version: Version) -> int:
    """Return the least memory of a data node, half of which becomes the heap.

    Source: apis/kubedb/constants.go DefaultResourcesElasticSearch (1.5 GiB); from OpenSearch 2 on 2 GiB are advised.
    """
    return 2048 if version.distribution == "OpenSearch" and version.major > 1 else 1536


def _node_groups(topology: Topology, resources: Resources) -> Sequence[NodeGroup]:
    if topology["mode"] != "sharded":
        return [NodeGroup(role="database", count=topology.get("replicas", 1), each=resources)]
    counts = topology["nodes"]
    return [NodeGroup(role=role, count=counts[role], each=_resources_of(role, resources)) for role in _ROLES]


def _resources_of(role: str, resources: Resources) -> Resources:
    return resources if role == "data" else _SMALL_NODE


def _database_manifest(spec: DatabaseSpec) -> Body:
    body: Body = {"enableSSL": True, **_layout(spec), **bodies.service_templates(spec)}
    return bodies.database_object("Elasticsearch", spec, body)


def _layout(spec: DatabaseSpec) -> Body:
    if spec.topology["mode"] != "sharded":
        count = spec.topology.get("replicas", 1)
        return bodies.nodes(count, "elasticsearch", spec.resources, spec.storage_class)
    return {"topology": {role: _nodes(role, spec) for role in _ROLES}}


def _nodes(role: str, spec: DatabaseSpec) -> Body:
    resources = _resources_of(role, spec.resources)
    return bodies.nodes(spec.topology["nodes"][role], "elasticsearch", resources, spec.storage_class)


def _uri(address: Address) -> str:
    return f"https://{address.login}@{address.location}"


def _check(topology: Topology, _version: Version, _resources: Resources) -> Sequence[FieldError]:
    if topology["mode"] != "sharded" or topology["nodes"]["master"] != _SPLIT_VOTE:
        return []
    message = "two masters stop when one is away: take 1 or, to survive that, 3."
    return [FieldError(field="topology.nodes.master", message=message, code="split_vote")]


def _elastic(number: str, *, below: str, end_of_life: bool = False) -> Version:
    return _build("xpack", "ElasticStack", number, below=below, end_of_life=end_of_life)


def _opensearch(number: str, *, below: str, end_of_life: bool = False) -> Version:
    return _build("opensearch", "OpenSearch", number, below=below, end_of_life=end_of_life)


def _build(prefix: str, distribution: str, number: str, *, below: str, end_of_life: bool = False) -> Version:
    return Version(
        name=f"{prefix}-{number}",
        number=number,
        distribution=distribution,
        end_of_life=end_of_life,
        upgrades_to=f">= {number}, < {below}",
    )


def _read(spec: Mapping[str, Any], topology: Topology) -> Held:
    version = str(spec["version"])
    if topology["mode"] == "sharded":
        counts = {role: int(spec["topology"][role]["replicas"]) for role in _ROLES}
        resources = read_resources(spec["topology"]["data"], "elasticsearch")
        return Held(version=version, topology={**topology, "nodes": counts}, resources=resources)
    changed = {} if topology["mode"] == "standalone" else {"replicas": int(spec["replicas"])}
    resources = read_resources(spec, "elasticsearch")
    return Held(version=version, topology={**topology, **changed}, resources=resources)


def _data_nodes(topology: Topology) -> str:
    """Return what an OpsRequest calls the nodes that hold data. Source: apis/ops/v1alpha1/elasticsearch_ops_types.go."""
    return "data" if topology["mode"] == "sharded" else "node"


_CHANGES = Changes(
    compute=lambda topology, resources: {_data_nodes(topology): {"resources": resources}},
    members=lambda topology: (
        {"topology": dict(topology["nodes"])} if topology["mode"] == "sharded" else {"node": topology["replicas"]}
    ),
    storage=lambda topology, size: {_data_nodes(topology): size},
    read=_read,
    configuration=lambda _topology, change: change,
    file_name="elasticsearch.yml",
    render=flat_yaml,
    parameters=(
        Parameter(
            name="indices.query.bool.max_clause_count",
            description="Clauses of one query at most.",
            minimum=1024,
            maximum=65536,
        ),
        Parameter(name="http.max_content_length", description="Largest request.", allowed=("100mb", "200mb", "500mb")),
        Parameter(
            name="action.auto_create_index", description="Whether writing makes an index.", allowed=("true", "false")
        ),
        Parameter(
            name="action.destructive_requires_name",
            description="Whether a deletion must name its index.",
            allowed=("true", "false"),
        ),
    ),
)


ENGINE = Engine(
    name="elasticsearch",
    short_name="es",
    title="Elasticsearch",
    kind="Elasticsearch",
    ops_kind="ElasticsearchOpsRequest",
    port=9200,
    default_version="xpack-9.2.3",
    ca_suffix="-http-cert",
    metrics=MetricNames(
        operations=named("elasticsearch_indices_indexing_index_total", "elasticsearch_indices_search_fetch_total")
    ),
    versions=(
        _elastic("9.2.3", below="9.3.5"),
        _elastic("9.1.9", below="9.2.4"),
        _elastic("9.1.4", below="9.2.4"),
        _elastic("9.0.8", below="9.2.4"),
        _elastic("9.0.2", below="9.2.4"),
        _elastic("8.19.9", below="9.2.4"),
        _elastic("8.18.8", below="9.2.4"),
        _elastic("8.18.2", below="9.2.4"),
        _elastic("8.17.10", below="9.2.4"),
        _elastic("8.17.6", below="9.2.4"),
        _elastic("8.5.3", below="9.0.0", end_of_life=True),
        _elastic("8.2.3", below="9.0.0", end_of_life=True),
        _elastic("7.17.28", below="9.0.0", end_of_life=True),
        _elastic("7.17.15", below="9.0.0", end_of_life=True),
        _elastic("6.8.23", below="7.19.10", end_of_life=True),
        _opensearch("3.4.0", below="3.5.0"),
        _opensearch("3.1.0", below="3.5.0"),
        _opensearch("2.19.2", below="3.2.0"),
        _opensearch("2.5.0", below="2.19.1"),
        _opensearch("1.3.20", below="2.19.5", end_of_life=True),
        _opensearch("1.3.13", below="2.19.1", end_of_life=True),
        _build("searchguard", "SearchGuard", "7.9.3", below="7.18.0"),
    ),
    modes=(
        Mode(name="standalone", description="One node; a restart is a short outage, and indexes have no copies."),
        Mode(
            name="replicated",
            description="Nodes that each do everything: hold data, vote for the master, take requests.",
            fields=(
                Count(
                    name="replicas",
                    default=3,
                    minimum=3,
                    maximum=9,
                    description="Nodes in all. Where more are needed, nodes by role (`sharded`) serve better.",
                ),
            ),
        ),
        Mode(
            name="sharded",
            description="Nodes by role: masters that rule, data nodes over which indexes spread, ingest nodes that take requests.",
            fields=(
                NodeCounts(
                    name="nodes",
                    roles=(
                        Count(
                            name="master",
                            default=3,
                            minimum=1,
                            maximum=7,
                            description="Small nodes that rule the cluster: 1, or 3 and more to survive a failure.",
                        ),
                        Count(
                            name="data",
                            default=2,
                            minimum=1,
                            maximum=50,
                            description="Nodes of the plan's size that hold the indexes.",
                        ),
                        Count(
                            name="ingest",
                            default=2,
                            minimum=1,
                            maximum=20,
                            description="Small nodes that take the requests of clients and run ingest pipelines.",
                        ),
                    ),
                    description="How many nodes of each role.",
                ),
            ),
        ),
    ),
    node_groups=_node_groups,
    database_manifest=_database_manifest,
    uri=_uri,
    changes=_CHANGES,
    backup=BackupTool(
        addon="elasticsearch-addon",
        addon_by_distribution={"OpenSearch": "opensearch-addon"},
        params={},
        stash_task="elasticsearch",
    ),
    check=_check,
    minimum_memory_mib=_minimum_memory_mib,
    needs_privileged_pods=True,
)
