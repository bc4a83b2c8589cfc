"""What KubeDB's webhooks check of the step from one version of an engine to another, by the catalogue's own ranges."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping

from devcluster.apiserver.errors import Body, Cause, invalid_field
from devcluster.apiserver.kubedb import DATABASES, PLURALS, Context, version_resource


def check_update(engine: str, spec: Body, database: Body, context: Context) -> Iterator[Cause]:
    """Give what the catalogue, once the cluster has one, has against the step from one version to another."""
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
    is_newer = _numbers(target["spec"]["version"]) >= _numbers(current["spec"]["version"])
    is_allowed = is_newer and _is_allowed(target["spec"]["version"], current["spec"].get("updateConstraints") or {})
    if not is_allowed or not _is_same_build(engine, current, target) or mode in {"SemiSync", "RemoteReplica"}:
        why = f"upgrade from version {database['version']} to {target_name} is not supported"
        yield invalid_field(path, target_name, why)
    if engine == "Redis" and database.get("mode") == "Sentinel":
        yield from _check_sentinel(target, database, context)


def _check_sentinel(target: Body, database: Body, context: Context) -> Iterator[Cause]:
    """Sentinels go first."""
    reference = database.get("sentinelRef") or {}
    namespace = reference.get("namespace") or context.namespace
    sentinel = context.find(f"{PLURALS['RedisSentinel']}.{DATABASES}", reference.get("name", ""), namespace=namespace)
    if sentinel is None:
        return
    version = context.find(version_resource("Redis"), sentinel["spec"]["version"], namespace="")
    if version is not None and version["spec"]["version"] != target["spec"]["version"]:
        name = target["metadata"]["name"]
        why = (
            f"can't upgrade to a different version of sentinel: it has {sentinel['spec']['version']}, upgrade it first"
        )
        yield invalid_field("spec.updateVersion.targetVersion", name, why)


def _is_same_build(engine: str, current: Body, target: Body) -> bool:
    """Tell whether data of one build can be read by the other."""
    old, new = _build(current), _build(target)
    if engine == "Postgres":
        return old == new
    if engine == "Redis" and old["distribution"] != new["distribution"]:
        return _numbers(current["spec"]["version"])[0] == _numbers(target["spec"]["version"])[0]
    return True


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
