"""From what a customer asks for to what will be made: defaults filled in, everything checked, before anything is accepted.

Every problem says what to change; all of them are reported at once. Nothing here reads or writes a row.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import FieldError, InvalidRequest
from provisioning.engine import Count, Engine, Mode, Topology, Version
from provisioning.engines import all_engines
from provisioning.models import Cluster
from provisioning.sizes import DEFAULT_PLAN, MAX_STORAGE_GIB, MIN_STORAGE_GIB, PLANS, Plan, Resources

DEFAULT_MODE = "standalone"
ACCESS_MODES = ("internal", "external")
MAX_LABELS = 32
MAX_CIDRS = 32
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the customer said; None where nothing was said."""

    name: str
    engine: str | None = None
    version: str | None = None
    plan: str | None = None
    topology: Mapping[str, Any] | None = None
    storage_gib: int | None = None
    region: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    deletion_protection: bool = False
    access_mode: str | None = None
    allowed_cidrs: Sequence[str] = ()
    display_name: str = ""
    expires_at: datetime | None = None
    restore_from: "Origin | None" = None


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a new database's content comes from: a backup, or another database as it was at some moment."""

    backup: UUID | None = None
    database: UUID | None = None
    point_in_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """What will be made, complete and checked."""

    name: str
    engine: Engine
    version: Version
    plan: Plan
    topology: Topology
    resources: Resources
    cluster: Cluster
    labels: Mapping[str, str]
    deletion_protection: bool
    access_mode: str
    allowed_cidrs: tuple[str, ...]
    display_name: str
    expires_at: datetime | None

    @property
    def footprint(self) -> Resources:
        """Return what all its nodes take together."""
        return self.engine.footprint(self.topology, self.resources)


class InvalidOrder(InvalidRequest):
    """The database cannot be made as asked for: see the errors by field."""

    code = "database.invalid"


def check_order(wish: Wish, clusters: Sequence[Cluster]) -> Order:
    """Return the order that fulfils the wish on one of these clusters.

    Raises: InvalidOrder — with every field that must change.
    """
    problems: list[FieldError] = []
    engine = _engine(wish, problems)
    cluster = _cluster(wish, clusters, problems)
    plan = _plan(wish, problems)
    _check_name(wish, problems)
    problems += label_problems(wish.labels)
    problems += expiry_problems(wish.expires_at, SYSTEM_CLOCK.now())
    cidrs = _cidrs(wish, problems)
    resources = _resources(wish, plan, problems)
    version = _version(wish, engine, problems) if engine else None
    topology = check_topology(wish.topology or {}, engine, problems) if engine else None
    _check_access(wish, cluster, problems)
    if engine and version and topology is not None:
        check_together(engine, version, topology, resources, problems)
    if problems or not (engine and cluster and version) or topology is None:
        raise InvalidOrder(errors=problems)
    return Order(
        name=wish.name,
        engine=engine,
        version=version,
        plan=plan,
        topology=topology,
        resources=resources,
        cluster=cluster,
        labels=dict(wish.labels),
        deletion_protection=wish.deletion_protection,
        access_mode=wish.access_mode or cluster.default_access,
        allowed_cidrs=cidrs,
        display_name=wish.display_name,
        expires_at=wish.expires_at,
    )


def check_together(
    engine: Engine, version: Version, topology: Topology, resources: Resources, problems: list[FieldError]
) -> None:
    """Add to `problems` what does not fit together, although each part is well by itself."""
    problems += engine.check(topology, version, resources)
    needed = engine.minimum_memory_mib(version)
    if resources.memory_mib < needed:
        fitting = [plan.name for plan in PLANS.values() if plan.memory_mib >= needed]
        message = (
            f"{engine.title} {version.number} needs {needed} MiB per node; plans that give it: {', '.join(fitting)}."
        )
        problems.append(_problem("plan", message, "memory_too_small"))


def _problem(path: str, message: str, code: str) -> FieldError:
    return FieldError(field=path, message=message, code=code)


def _engine(wish: Wish, problems: list[FieldError]) -> Engine | None:
    found = all_engines().get(wish.engine or "")
    if found is None:
        problems.append(_problem("engine", f"unknown; there are: {', '.join(all_engines())}.", "unknown_engine"))
    return found


def _cluster(wish: Wish, clusters: Sequence[Cluster], problems: list[FieldError]) -> Cluster | None:
    found = next((cluster for cluster in clusters if wish.region in (None, cluster.region)), None)
    if found is None:
        regions = ", ".join(sorted({cluster.region for cluster in clusters})) or "none at present"
        problems.append(_problem("region", f"takes no new databases; regions that do: {regions}.", "unknown_region"))
    return found


def _plan(wish: Wish, problems: list[FieldError]) -> Plan:
    found = PLANS.get(wish.plan or DEFAULT_PLAN)
    if found is None:
        problems.append(_problem("plan", f"unknown; there are: {', '.join(PLANS)}.", "unknown_plan"))
    return found or PLANS[DEFAULT_PLAN]


def _version(wish: Wish, engine: Engine, problems: list[FieldError]) -> Version | None:
    found = engine.version(wish.version or engine.default_version)
    offered = f"see /api/v1/engines/{engine.name}/versions; the default is {engine.default_version}."
    if found is None:
        problems.append(_problem("version", f"unknown for {engine.name}; {offered}", "unknown_version"))
    elif found.deprecated:
        problems.append(
            _problem("version", f"{found.name} is deprecated and takes no new databases; {offered}", "deprecated")
        )
    return found


def check_topology(wish: Mapping[str, Any], engine: Engine, problems: list[FieldError]) -> Topology | None:
    """Return the topology complete with its defaults, or None after adding what is wrong with it to `problems`."""
    asked = dict(wish)
    mode = engine.mode(str(asked.pop("mode", DEFAULT_MODE)))
    if mode is None:
        names = ", ".join(mode.name for mode in engine.modes)
        problems.append(_problem("topology.mode", f"{engine.name} has: {names}.", "unknown_mode"))
        return None
    wrong = _unknown_fields(asked, mode)
    topology: dict[str, Any] = {"mode": mode.name}
    for known in mode.fields:
        if isinstance(known, Count) and not known.applies_to(topology):
            wrong += _unfit(asked, known)
            continue
        parsed = known.parse(asked.get(known.name, known.default), f"topology.{known.name}")
        if isinstance(parsed, FieldError):
            wrong.append(parsed)
        else:
            topology[known.name] = parsed
    problems += wrong
    return None if wrong else topology


def _unknown_fields(asked: Mapping[str, Any], mode: Mode) -> list[FieldError]:
    names = [known.name for known in mode.fields]
    message = f"not part of {mode.name}; it has: {', '.join(names) or 'nothing to choose'}."
    unknown = sorted(set(asked) - set(names))
    return [_problem(f"topology.{name}"[:80], message, "unknown_field") for name in unknown]


def _unfit(asked: Mapping[str, Any], known: Count) -> list[FieldError]:
    if known.name not in asked:
        return []
    message = f"means nothing without {' '.join(known.only_with or ())}: leave it out, or choose that."
    return [_problem(f"topology.{known.name}", message, "not_applicable")]


def _resources(wish: Wish, plan: Plan, problems: list[FieldError]) -> Resources:
    storage_gib = plan.storage_gib if wish.storage_gib is None else wish.storage_gib
    if not MIN_STORAGE_GIB <= storage_gib <= MAX_STORAGE_GIB:
        message = f"must be between {MIN_STORAGE_GIB} and {MAX_STORAGE_GIB} (GiB per node)."
        problems.append(_problem("storage_gib", message, "out_of_range"))
    return Resources(cpu_millicores=plan.cpu_millicores, memory_mib=plan.memory_mib, storage_gib=storage_gib)


def _check_name(wish: Wish, problems: list[FieldError]) -> None:
    if not _NAME.fullmatch(wish.name):
        message = "must be 1 to 40 lower-case letters, digits and hyphens, begin with a letter and end with a letter or digit."
        problems.append(_problem("name", message, "invalid_name"))


def expiry_problems(expires_at: datetime | None, now: datetime) -> list[FieldError]:
    """Return what is wrong with this end."""
    if expires_at is None or expires_at > now:
        return []
    return [_problem("expires_at", "must be in the future; to delete the database now, delete it.", "in_the_past")]


def label_problems(labels: Mapping[str, str]) -> list[FieldError]:
    """Return what is wrong with these labels."""
    problems: list[FieldError] = []
    if len(labels) > MAX_LABELS:
        problems.append(_problem("labels", f"at most {MAX_LABELS}.", "too_many"))
    for name, value in list(labels.items())[:MAX_LABELS]:
        if not _LABEL.fullmatch(name) or not (value == "" or _LABEL.fullmatch(value)):
            message = (
                "names and values are up to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends."
            )
            problems.append(_problem(f"labels.{name}"[:80], message, "invalid_label"))
    return problems


def _check_access(wish: Wish, cluster: Cluster | None, problems: list[FieldError]) -> None:
    if wish.access_mode not in (None, *ACCESS_MODES):
        problems.append(_problem("access.mode", f"must be one of: {', '.join(ACCESS_MODES)}.", "invalid_choice"))
    elif cluster and wish.allowed_cidrs:
        problems += _unfiltered(wish.access_mode or cluster.default_access, cluster)


def _unfiltered(access_mode: str, cluster: Cluster) -> list[FieldError]:
    """Refuse networks that nothing would keep to: a customer would believe the others were locked out."""
    if access_mode != "external":
        message = "is for external access only; an internal database is not reached from outside: leave it empty."
    elif cluster.external_service_type != "LoadBalancer":
        message = f"cannot be kept to in {cluster.region}: it has no load balancer that filters. Leave it empty."
    else:
        return []
    return [_problem("access.allowed_cidrs", message, "cannot_filter")]


def _cidrs(wish: Wish, problems: list[FieldError]) -> tuple[str, ...]:
    if len(wish.allowed_cidrs) > MAX_CIDRS:
        problems.append(_problem("access.allowed_cidrs", f"at most {MAX_CIDRS}.", "too_many"))
    checked: list[str] = []
    for place, text in enumerate(wish.allowed_cidrs[:MAX_CIDRS]):
        try:
            checked.append(str(ipaddress.ip_network(text)))
        except ValueError:
            message = "must be a network such as 203.0.113.0/24 or 2001:db8::/32, without host bits."
            problems.append(_problem(f"access.allowed_cidrs.{place}", message, "invalid_cidr"))
    return tuple(checked)
