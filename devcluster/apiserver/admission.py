"""KubeDB's webhooks as far as any client may meet them: a table of defaults and refusals. Built-in kinds are in `kinds`.

Texts follow the patterns that clients match on, not the letter of one release. Rules that need the operator's
knowledge (TLS, monitoring) are left to it. What is checked of an OpsRequest is in `opsrequests`.
"""

from collections.abc import Callable, Iterator, Mapping

from devcluster.apiserver import kubestash, opsrequests
from devcluster.apiserver.errors import Body, denied_by_webhook
from devcluster.apiserver.kubedb import DATABASES, OPERATIONS, Context, version_resource
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Store

Refusals = Iterator[str]

_CLUSTERED_MYSQL = frozenset({"GroupReplication", "InnoDBCluster", "SemiSync"})
_FORBIDDEN_ENVIRONMENT = frozenset({
    "POSTGRES_USER", "POSTGRES_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_ALLOW_EMPTY_PASSWORD",
    "MYSQL_RANDOM_ROOT_PASSWORD", "MYSQL_ONETIME_PASSWORD", "MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD",
    "REDISCLI_AUTH", "VALKEYCLI_AUTH", "SENTINEL_PASSWORD",
})  # fmt: skip
_TOPOLOGIES: Mapping[str, str] = {"MongoDB": "shardTopology", "Elasticsearch": "topology"}


def _has_own_node_counts(kind: str, spec: Body) -> bool:
    """Tell whether the node counts stand in a topology, so that `spec.replicas` means nothing."""
    return bool(spec.get(_TOPOLOGIES.get(kind, ""))) or (kind == "Redis" and spec.get("mode") == "Cluster")


def _default_database(kind: str, spec: Body) -> None:
    spec.setdefault("storageType", "Durable")
    spec.setdefault("deletionPolicy", "Delete")
    if spec.get("halted") and spec["deletionPolicy"] != "DoNotTerminate":
        spec["deletionPolicy"] = "Halt"
    if kind == "Redis":
        spec.setdefault("mode", "Standalone")
    if not _has_own_node_counts(kind, spec):
        is_clustered = kind == "MySQL" and (spec.get("topology") or {}).get("mode") in _CLUSTERED_MYSQL
        spec.setdefault("replicas", 3 if is_clustered else 1)


def _any_database(spec: Body, old: Body, context: Context) -> Refusals:
    if not spec.get("version"):
        yield "'spec.version' is missing"
    if old and old.get("storageType") != spec.get("storageType"):
        yield "spec.storageType: Invalid value: field is immutable"
    if spec.get("halted") and spec["deletionPolicy"] == "DoNotTerminate":
        word = "deletion" if context.kind == "MongoDB" else "termination"
        yield f"Can't halt, since {word} policy is 'DoNotTerminate'"
    if spec["storageType"] == "Ephemeral" and spec["deletionPolicy"] == "Halt":
        yield "'spec.deletionPolicy: Halt' can not be used for 'Ephemeral' storage"
    if "replicas" in spec and spec["replicas"] < 1:
        yield f'spec.replicas "{spec["replicas"]}" invalid. Must be greater than zero'


def _environment(spec: Body, _old: Body, context: Context) -> Refusals:
    for container in ((spec.get("podTemplate") or {}).get("spec") or {}).get("containers") or ():
        variables = container.get("env") if isinstance(container, dict) else ()
        for variable in variables or ():
            if isinstance(variable, dict) and variable.get("name") in _FORBIDDEN_ENVIRONMENT:
                yield f"environment variable {variable['name']} is forbidden to use in {context.kind} spec"


def _version(spec: Body, old: Body, context: Context) -> Refusals:
    """Check against the catalogue, once the cluster has one."""
    if old:
        return
    resource = version_resource(context.kind)
    has_catalogue = bool(context.store.list_objects(resource, limit=1))
    if has_catalogue and context.find(resource, spec["version"], namespace="") is None:
        kind = "Redis" if context.kind == "RedisSentinel" else context.kind
        yield f'failed to get {kind}Version: {resource} "{spec["version"]}" not found'


def _storage(spec: Body, _old: Body, context: Context) -> Refusals:
    if spec["storageType"] != "Durable" or spec.get(_TOPOLOGIES.get(context.kind, "")):
        return
    storage = spec.get("storage")
    if not storage:
        yield "spec.storage is missing"
        return
    if not ((storage.get("resources") or {}).get("requests") or {}).get("storage"):
        yield "missing ResourceStorage request"
    name = storage.get("storageClassName")
    if name and context.find("storageclasses.storage.k8s.io", name, namespace="") is None:
        yield f'spec.storage.storageClassName "{name}" not found'


def _postgres(spec: Body, _old: Body, _context: Context) -> Refusals:
    synchronous = spec.get("synchronousReplicationConfig") or {}
    if synchronous and spec.get("streamingMode") != "Synchronous":
        yield "spec.synchronousReplicationConfig needs spec.streamingMode Synchronous"
    if synchronous and not 1 <= synchronous.get("numSyncReplicas", 1) < spec["replicas"]:
        yield "spec.synchronousReplicationConfig.numSyncReplicas must be at least 1 and less than spec.replicas"
    if spec.get("sslMode", "disable") != "disable" and not spec.get("tls"):
        yield f"spec.sslMode {spec['sslMode']} needs spec.tls"


def _mysql(spec: Body, _old: Body, _context: Context) -> Refusals:
    topology = spec.get("topology")
    if topology is not None and not topology.get("mode"):
        yield "a valid 'spec.topology.mode' must be set for MySQL clustering"
    if topology and topology.get("mode") == "GroupReplication" and not 3 <= spec["replicas"] <= 9:  # noqa: PLR2004 — MySQL's limits
        yield "accepted value of 'spec.replicas' for group replication is in range of [3, 9], default is 3 if not specified"
    if not topology and spec["replicas"] != 1:
        yield f'spec.replicas "{spec["replicas"]}" invalid for standalone mode. Value must be one'


def _mongodb(spec: Body, _old: Body, _context: Context) -> Refusals:
    if spec.get("shardTopology"):
        for name in ("replicas", "podTemplate", "configSecret", "storage"):
            if spec.get(name):
                yield f"doesn't support 'spec.{name}' when spec.shardTopology is set"
    elif not spec.get("replicaSet") and spec["replicas"] != 1:
        yield f'spec.replicas "{spec["replicas"]}" invalid for standalone mode. Value must be one'


def _redis(spec: Body, _old: Body, context: Context) -> Refusals:
    cluster = spec.get("cluster") or {}
    if spec["mode"] == "Standalone" and spec["replicas"] != 1:
        yield f'spec.replicas "{spec["replicas"]}" invalid for standalone mode. Value must be one'
    if spec["mode"] == "Cluster":
        if cluster.get("shards", 3) < 3:  # noqa: PLR2004 — a Redis cluster's smallest majority
            yield f'spec.cluster.shards "{cluster["shards"]}" invalid. It must be >= 3'
        if cluster.get("replicas", 2) <= 1:
            yield f'spec.cluster.replicas "{cluster["replicas"]}" invalid. It must be > 1'
    if spec["mode"] == "Sentinel":
        reference = spec.get("sentinelRef") or {}
        namespace = reference.get("namespace") or context.namespace
        if not reference.get("name"):
            yield "need to provide sentinelRef in Sentinel mode"
        elif context.find(f"redissentinels.{DATABASES}", reference["name"], namespace=namespace) is None:
            yield f"referenced RedisSentinel {namespace}/{reference['name']} not found"


def _elasticsearch(spec: Body, _old: Body, _context: Context) -> Refusals:
    topology = spec.get("topology")
    if not topology:
        return
    for name in ("replicas", "storage"):
        if spec.get(name):
            yield f"doesn't support spec.{name} when spec.topology is set"
    if not topology.get("data") and not (topology.get("dataHot") and topology.get("dataContent")):
        yield "when data node is empty, you need to have both dataHot and dataContent nodes"
    suffixes = [node.get("suffix") or role for role, node in topology.items()]
    if len(set(suffixes)) < len(suffixes):
        yield "two or more node cannot have same suffix"


_COMMON_RULES = (_any_database, _environment, _version, _storage)
_DATABASE_RULES: Mapping[str, tuple[Callable[[Body, Body, Context], Refusals], ...]] = {
    "Postgres": (*_COMMON_RULES, _postgres),
    "MySQL": (*_COMMON_RULES, _mysql),
    "MongoDB": (*_COMMON_RULES, _mongodb),
    "Redis": (*_COMMON_RULES, _redis),
    "RedisSentinel": _COMMON_RULES,
    "Elasticsearch": (*_COMMON_RULES, _elasticsearch),
}


class Admission:
    """Asks every rule that applies to a write."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def mutate(self, request: Request, new: Body) -> None:
        """Fill in what KubeDB's mutating webhooks would, in place."""
        is_database = request.resource.group == DATABASES and request.resource.kind in _DATABASE_RULES
        if is_database and not request.subresource:
            _default_database(request.resource.kind, new.setdefault("spec", {}))

    def validate(self, request: Request, old: Body | None, new: Body) -> None:
        """Let a new or changed object pass.

        Raises: ApiError — 403 with the webhook's text, or 422 for the fields of an OpsRequest.
        """
        resource, spec = request.resource, new.get("spec")
        if request.subresource or not isinstance(spec, dict) or new["metadata"].get("deletionTimestamp"):
            return
        context = Context(self._store, request.namespace, resource.kind)
        if resource.group == DATABASES:
            for rule in _DATABASE_RULES.get(resource.kind, ()):
                for text in rule(spec, (old or {}).get("spec") or {}, context):
                    raise denied_by_webhook(f"{resource.kind.lower()}webhook.validators.{DATABASES}", text)
        if resource.group == OPERATIONS:
            opsrequests.check(old, new, context)
        if resource.group in kubestash.GROUPS:
            kubestash.check(old, new, context)

    def check_delete(self, request: Request, old: Body) -> None:
        """Let a delete pass.

        Raises: ApiError — 403, for a protected database.
        """
        if request.resource.group != DATABASES or (old.get("spec") or {}).get("deletionPolicy") != "DoNotTerminate":
            return
        kind, place = request.resource.kind, f"{request.namespace}/{request.name}"
        text = f'{kind} "{place}" can\'t be terminated. To delete, change spec.deletionPolicy'
        raise denied_by_webhook(f"{kind.lower()}webhook.validators.{DATABASES}", text)
