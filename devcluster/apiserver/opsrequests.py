"""What KubeDB's webhooks check of an OpsRequest: that its database exists and can take the change; one rule per type."""

import base64
from collections.abc import Callable, Iterator, Mapping

from devcluster.apiserver.errors import Body, Cause, denied_by_webhook, invalid, invalid_field
from devcluster.apiserver.kubedb import DATABASES, OPERATIONS, PLURALS, Context
from devcluster.apiserver.upgrades import check_update

_LETS_MISSING_DATABASE_PASS = frozenset({"MongoDB", "Elasticsearch"})
_UNITS: Mapping[str, float] = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def check(old: Body | None, new: Body, context: Context) -> None:
    """Let a new or changed OpsRequest pass.

    Raises: ApiError — 422 for fields that do not fit the database, 403 for a change of the spec.
    """
    if old is not None:
        if old.get("spec") != new.get("spec"):
            webhook = f"{context.kind.lower()}webhook.validators.{OPERATIONS}"
            raise denied_by_webhook(webhook, "precondition failed: spec cannot be changed after creation")
        return
    causes = list(_operation(new["spec"], context))
    if causes:
        group = f"{context.kind.capitalize()}s.{DATABASES}"
        raise invalid(context.kind, group, new["metadata"]["name"], causes)


def quantity(value: object) -> float:
    """Read a resource quantity such as `500m` or `10Gi`; the schema has checked its form."""
    text = str(value)
    number = text.rstrip("EPTGMKkim")
    return float(number) * _UNITS.get(text[len(number) :], 1)


def _operation(spec: Body, context: Context) -> Iterator[Cause]:
    """Check an OpsRequest against its database."""
    engine = context.kind.removesuffix("OpsRequest")
    name = (spec.get("databaseRef") or {}).get("name", "")
    database = context.find(f"{PLURALS[engine]}.{DATABASES}", name)
    if database is None:
        if engine not in _LETS_MISSING_DATABASE_PASS:
            yield invalid_field("spec.databaseRef", name, f'spec.databaseRef "{name}" is invalid or not found')
        return
    rule = _OPERATION_RULES.get(spec["type"])
    if rule is not None:
        yield from rule(engine, spec, database["spec"], context)


def _expansion(_engine: str, spec: Body, database: Body, _context: Context) -> Iterator[Cause]:
    for node, wanted in (spec.get("volumeExpansion") or {}).items():
        current = _present_size(node, database)
        if node != "mode" and current is not None and quantity(wanted) <= quantity(current):
            why = f"desired {node} storage size must be greater than current storage. Current storage: {current}"
            yield invalid_field("spec.volumeExpansion", wanted, why)


def _present_size(node: str, database: Body) -> str | None:
    """Find the size in the topology, where there is one, else in the database's own storage."""
    for topology in ("shardTopology", "topology"):
        part = (database.get(topology) or {}).get(node)
        if isinstance(part, dict):
            return _requested(part.get("storage"))
    if node in {"arbiter", "hidden"}:
        extra = database.get(node) or {}
        return _requested(extra.get("storage") or extra)
    return _requested(database.get("storage"))


def _requested(storage: Body | None) -> str | None:
    requests = ((storage or {}).get("resources") or {}).get("requests") or {}
    return requests.get("storage")


def _scaling(engine: str, spec: Body, database: Body, _context: Context) -> Iterator[Cause]:
    wanted = spec.get("horizontalScaling") or {}
    rule = _SCALING_RULES.get(engine)
    for field, value, why in rule(wanted, database) if rule is not None else ():
        yield invalid_field(".".join(filter(None, ("spec.horizontalScaling", field))), value, why)


Problem = tuple[str, object, str]


def _scaling_postgres(wanted: Body, _database: Body) -> Iterator[Problem]:
    replicas = wanted.get("replicas")
    if (replicas is not None) is bool(wanted.get("readReplicas")) or (replicas is not None and replicas <= 0):
        yield "", wanted, "exactly one of replicas and readReplicas must be given and be positive"


def _scaling_mysql(wanted: Body, database: Body) -> Iterator[Problem]:
    member = wanted.get("member", 0)
    if not database.get("topology"):
        yield "", wanted, "OpsRequest haven't pointed to a Group Replication"
    elif not 3 <= member <= 8:  # noqa: PLR2004 — the limits of KubeDB's check
        yield "member", member, "Group size can not be less than 3 or more than 9"


def _scaling_redis(wanted: Body, database: Body) -> Iterator[Problem]:
    mode = database.get("mode", "Standalone")
    if mode == "Standalone":
        yield "", wanted, "horizontal scaling is not allowed for standalone redis"
    elif mode == "Sentinel":
        yield from _scaling_sentinel(wanted, database)
    else:
        yield from _scaling_redis_cluster(wanted, database.get("cluster") or {})


def _scaling_redis_cluster(wanted: Body, cluster: Body) -> Iterator[Problem]:
    changes = []
    for field, least, default in (("shards", 3, 3), ("replicas", 2, 2)):
        value = wanted.get(field)
        if value is None:
            continue
        changes.append(value - cluster.get(field, default))
        if value < least:
            yield field, value, f"{field} must be at least {least}"
    if not changes:
        yield "", wanted, "shards or replicas must be given"
    if any(change > 0 for change in changes) and any(change < 0 for change in changes):
        yield "", wanted, "scaling up and down at the same time is not allowed"


def _scaling_sentinel(wanted: Body, _database: Body) -> Iterator[Problem]:
    if wanted.get("replicas", 0) < 1:
        yield "replicas", wanted.get("replicas", 0), "replicas must be at least 1"


def _scaling_mongodb(wanted: Body, database: Body) -> Iterator[Problem]:
    is_sharded = bool(database.get("shardTopology"))
    unfit = ("replicas", "hidden") if is_sharded else ("shard", "configServer", "mongos")
    for field, value in wanted.items():
        if field in unfit:
            yield field, value, f"{field} does not fit the topology of the database"
        counts = value.items() if isinstance(value, dict) else [("", value)]
        for name, count in counts:
            if isinstance(count, int) and count < 1:
                yield ".".join(filter(None, (field, name))), count, "must be greater than 0"
    replicas = wanted.get("replicas")
    if database.get("storageEngine") == "inMemory" and replicas is not None and replicas < 3:  # noqa: PLR2004 — a majority
        yield "replicas", replicas, "must be at least 3 with the storage engine inMemory"


_SCALING_RULES: Mapping[str, Callable[[Body, Body], Iterator[Problem]]] = {
    "Postgres": _scaling_postgres,
    "MySQL": _scaling_mysql,
    "MongoDB": _scaling_mongodb,
    "Redis": _scaling_redis,
    "RedisSentinel": _scaling_sentinel,
}


def _reconfiguration(engine: str, spec: Body, database: Body, _context: Context) -> Iterator[Cause]:
    path, wanted = "spec.configuration", spec.get("configuration") or {}
    if not {name for name, value in wanted.items() if value and name != "restart"}:
        yield invalid_field(path, wanted, "nothing to reconfigure is given")
    if engine == "Postgres":
        wrong = sorted(set(wanted.get("applyConfig") or {}) - {"user.conf"})
        if wrong:
            yield invalid_field(f"{path}.applyConfig", wrong[0], "only user.conf can be applied")
        if wanted.get("restart") == "false" and wanted.get("removeCustomConfig"):
            yield invalid_field(f"{path}.restart", "false", "removeCustomConfig needs a restart")
    yield from _insecure_opensearch(engine, path, database)


def _insecure_opensearch(engine: str, path: str, database: Body) -> Iterator[Cause]:
    is_opensearch = engine == "Elasticsearch" and str(database.get("version", "")).startswith("opensearch")
    if is_opensearch and not database.get("enableSSL"):
        yield invalid_field(path, database["version"], "OpenSearch without SSL does not support it")


def _rotation(engine: str, spec: Body, database: Body, context: Context) -> Iterator[Cause]:
    path = "spec.authentication"
    name = ((spec.get("authentication") or {}).get("secretRef") or {}).get("name")
    secret = context.find("secrets", name) if name else None
    if name and secret is None:
        yield invalid_field(path, name, f"referenced secret {name} not found")
    present = context.find("secrets", (database.get("authSecret") or {}).get("name") or "")
    if engine in {"Postgres", "MySQL"} and secret is not None and present is not None:
        usernames = [_username(one) for one in (secret, present)]
        if usernames[0] != usernames[1]:
            yield invalid_field(path, usernames[0], "database username cannot be changed")
    if database.get("disableAuth"):
        yield invalid_field(path, name or "", "database is running in disable auth mode")
    yield from _insecure_opensearch(engine, path, database)


def _username(secret: Body) -> str:
    return base64.b64decode((secret.get("data") or {}).get("username", "")).decode(errors="replace")


def _migration(_engine: str, spec: Body, database: Body, context: Context) -> Iterator[Cause]:
    if not spec.get("timeout"):
        yield invalid_field("spec.timeout", "", "spec.timeout is required for Storage Migration")
    name = (spec.get("migration") or {}).get("storageClassName")
    if not isinstance(name, str):
        return
    path, resource = "spec.migration.storageClassName", "storageclasses.storage.k8s.io"
    wanted, old_name = (
        context.find(resource, name, namespace=""),
        (database.get("storage") or {}).get("storageClassName"),
    )
    if wanted is None:
        yield invalid_field(path, name, f"storage class {name} not found")
    if not old_name:
        yield invalid_field(path, name, "the database has no spec.storage.storageClassName to migrate from")
    old = context.find(resource, old_name or "", namespace="")
    late = "WaitForFirstConsumer"
    if (
        old is not None
        and wanted is not None
        and old.get("volumeBindingMode") == late != wanted.get("volumeBindingMode")
    ):
        yield invalid_field(path, name, f"volume binding mode should be {late}")


_OPERATION_RULES: Mapping[str, Callable[[str, Body, Body, Context], Iterator[Cause]]] = {
    "UpdateVersion": check_update,
    "Reconfigure": _reconfiguration,
    "VolumeExpansion": _expansion,
    "HorizontalScaling": _scaling,
    "RotateAuth": _rotation,
    "StorageMigration": _migration,
}
