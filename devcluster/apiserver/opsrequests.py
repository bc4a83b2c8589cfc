"""What KubeDB's webhooks check of an OpsRequest: that its database exists and can take the change; one rule per type."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping

from devcluster.apiserver.errors import Body, Cause, denied_by_webhook, invalid, invalid_field
from devcluster.apiserver.kubedb import DATABASES, OPERATIONS, PLURALS, Context, version_resource

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
    current = (((database.get("storage") or {}).get("resources") or {}).get("requests") or {}).get("storage")
    for node, wanted in (spec.get("volumeExpansion") or {}).items():
        if node != "mode" and current is not None and quantity(wanted) <= quantity(current):
            why = f"desired {node} storage size must be greater than current storage. Current storage: {current}"
            yield invalid_field("spec.volumeExpansion", wanted, why)


def _scaling(engine: str, spec: Body, database: Body, _context: Context) -> Iterator[Cause]:
    wanted = spec.get("horizontalScaling") or {}
    path = "spec.horizontalScaling"
    if engine == "Postgres" and bool(wanted.get("replicas")) is bool(wanted.get("readReplicas")):
        yield invalid_field(path, wanted, "exactly one of replicas and readReplicas must be given and be positive")
    if engine == "MySQL" and not database.get("topology"):
        yield invalid_field(path, wanted, "OpsRequest haven't pointed to a Group Replication")
    elif engine == "MySQL" and not 3 <= wanted.get("member", 0) <= 8:  # noqa: PLR2004 — the limits of KubeDB's check
        yield invalid_field(
            f"{path}.member", wanted.get("member", 0), "Group size can not be less than 3 or more than 9"
        )
    if engine == "Redis" and database.get("mode", "Standalone") == "Standalone":
        yield invalid_field(path, wanted, "horizontal scaling is not allowed for standalone redis")


def _rotation(_engine: str, spec: Body, database: Body, context: Context) -> Iterator[Cause]:
    name = ((spec.get("authentication") or {}).get("secretRef") or {}).get("name")
    if name and context.find("secrets", name) is None:
        yield invalid_field("spec.authentication", name, f"referenced secret {name} not found")
    if database.get("disableAuth"):
        yield invalid_field("spec.authentication", name or "", "database is running in disable auth mode")


def _migration(_engine: str, spec: Body, _database: Body, _context: Context) -> Iterator[Cause]:
    if not spec.get("timeout"):
        yield invalid_field("spec.timeout", "", "spec.timeout is required for Storage Migration")


def _update(engine: str, spec: Body, database: Body, context: Context) -> Iterator[Cause]:
    """Check the step from one version to another against the catalogue, once the cluster has one."""
    target_name = (spec.get("updateVersion") or {}).get("targetVersion", "")
    resource = version_resource(engine)
    current = context.find(resource, database["version"], namespace="")
    target = context.find(resource, target_name, namespace="")
    if current is None:
        return
    path = "spec.updateVersion.targetVersion"
    if target is None:
        yield invalid_field(path, target_name, f'{resource} "{target_name}" not found')
        return
    mode = (database.get("topology") or {}).get("mode")
    is_allowed = _is_allowed(target["spec"]["version"], current["spec"].get("updateConstraints") or {})
    same_build = engine != "Postgres" or all(
        _build(current).get(name) == _build(target).get(name) for name in ("distribution", "baseOS")
    )
    if not is_allowed or not same_build or mode in {"SemiSync", "RemoteReplica"}:
        why = f"upgrade from version {database['version']} to {target_name} is not supported"
        yield invalid_field(path, target_name, why)


def _build(version: Body) -> Body:
    spec = version["spec"]
    return {"distribution": spec.get("distribution"), "baseOS": (spec.get("db") or {}).get("baseOS")}


def _is_allowed(version: str, constraints: Body) -> bool:
    """Tell whether a version is in any allowed range and in no denied one; MySQL's cluster lists stand for all modes."""
    lists = {name: constraints.get(name) or [] for name in ("allowlist", "denylist")}
    allowed, denied = (
        ranges.get("groupReplication") or [] if isinstance(ranges, dict) else ranges for ranges in lists.values()
    )
    if any(_is_in(version, ranges) for ranges in denied):
        return False
    return not allowed or any(_is_in(version, ranges) for ranges in allowed)


def _numbers(version: str) -> tuple[int, ...]:
    found = [int(number) for number in re.findall(r"\d+", version.partition("-")[0])]
    return (*found, 0, 0, 0)[:3]


def _is_in(version: str, ranges: str) -> bool:
    """Read a range such as `>= 17.4, < 19.0`: all its parts must hold."""
    actual = _numbers(version)
    for part in ranges.split(","):
        sign, wanted = re.fullmatch(r"\s*(>=|<=|!=|>|<|=)?\s*v?([\w.+-]+)\s*", part).groups()  # type: ignore[union-attr] # the catalogue's own grammar
        limit = _numbers(wanted)
        if not _HOLDS[sign or "="](actual, limit):
            return False
    return True


_HOLDS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip


_OPERATION_RULES: Mapping[str, Callable[[str, Body, Body, Context], Iterator[Cause]]] = {
    "UpdateVersion": _update,
    "VolumeExpansion": _expansion,
    "HorizontalScaling": _scaling,
    "RotateAuth": _rotation,
    "StorageMigration": _migration,
}
