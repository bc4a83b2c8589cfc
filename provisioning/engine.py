"""All that the product must know of a database engine: the type that every file in `engines/` fills in once.

Differences between engines are data and small functions here, never an `if engine == ...` elsewhere. Nothing in this file or in
`engines/` talks to a cluster: manifests are pure functions of a `DatabaseSpec`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dbaas.core.errors import FieldError
from provisioning.changes import BackupTool, Changes
from provisioning.metric_names import MetricNames
from provisioning.sizes import EXPORTER, NOTHING, Resources

Body = dict[str, Any]
"""A Kubernetes object as plain JSON."""

Topology = Mapping[str, Any]
"""A checked `topology` of the API: `mode` and exactly the fields that this mode has."""


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
}


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version that can be ordered.

    `name` is the name of KubeDB's version object, which is what `spec.version` takes; `number` is what the server itself says.
    Source: kubedb/installer catalog/kubedb/raw, chart v2026.8.14-rc.0.
    """

    name: str
    number: str
    distribution: str = "Official"
    deprecated: bool = False
    end_of_life: bool = False
    upgrades_to: str = ""
    """Range of numbers that KubeDB allows as upgrade targets, such as `>= 8.4.2, <= 9.1.0`; empty: none."""
    modes_without: frozenset[str] = frozenset()
    """Modes, and values of the engine's choices, that this version cannot do, such as `innodb` (no router image)."""

    @property
    def number_parts(self) -> tuple[int, ...]:
        """Return the number's parts, which compare as versions do."""
        return _parts(self.number)

    @property
    def major(self) -> int:
        """Return the first part of the number."""
        return self.number_parts[0]

    def may_become(self, other: "Version") -> bool:
        """Tell whether KubeDB upgrades from this version to the other one: forward, within one distribution and the range of `upgrades_to`."""
        if other.deprecated or other.distribution != self.distribution or other.number_parts <= self.number_parts:
            return False
        rules = [rule.split() for rule in self.upgrades_to.split(", ") if rule]
        return bool(rules) and all(_COMPARE[sign](other.number_parts, _parts(limit)) for sign, limit in rules)


def _parts(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split("."))


@dataclass(frozen=True, kw_only=True)
class Count:
    """A number in a topology, such as `replicas`."""

    name: str
    default: int
    minimum: int
    maximum: int
    description: str
    only_with: tuple[str, str] | None = None
    """Name and value of the choice without which the number means nothing, such as `("replication", "innodb")`; the choice comes first."""

    def applies_to(self, topology: Topology) -> bool:
        """Tell whether a topology with these choices has this number; one that lacks the choice may have it."""
        choice, value = self.only_with or ("mode", topology["mode"])
        return bool(topology.get(choice, value) == value)

    def parse(self, value: object, path: str) -> int | FieldError:
        """Return the number, or what is wrong with it."""
        if isinstance(value, bool) or not isinstance(value, int):
            return FieldError(field=path, message="must be a whole number.", code="invalid_type")
        if not self.minimum <= value <= self.maximum:
            return FieldError(
                field=path, message=f"must be between {self.minimum} and {self.maximum}.", code="out_of_range"
            )
        return value


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of a few words in a topology, such as `replication`."""

    name: str
    default: str
    allowed: tuple[str, ...]
    description: str

    def parse(self, value: object, path: str) -> str | FieldError:
        """Return the word, or what is wrong with it."""
        if value not in self.allowed:
            return FieldError(field=path, message=f"must be one of: {', '.join(self.allowed)}.", code="invalid_choice")
        return str(value)


@dataclass(frozen=True, kw_only=True)
class NodeCounts:
    """An object in a topology that counts nodes by role, such as `nodes: {"master": 3, "data": 2}`."""

    name: str
    roles: tuple[Count, ...]
    description: str

    @property
    def default(self) -> dict[str, int]:
        """Return every role's default."""
        return {role.name: role.default for role in self.roles}

    def parse(self, value: object, path: str) -> dict[str, int] | FieldError:
        """Return a number for every role, or the first thing that is wrong."""
        if not isinstance(value, dict):
            return FieldError(field=path, message="must be an object of numbers by role.", code="invalid_type")
        unknown = sorted(set(value) - {role.name for role in self.roles})
        if unknown:
            names = ", ".join(role.name for role in self.roles)
            return FieldError(
                field=f"{path}.{unknown[0]}", message=f"unknown role; there are: {names}.", code="unknown_field"
            )
        counts: dict[str, int] = {}
        for role in self.roles:
            parsed = role.parse(value.get(role.name, role.default), f"{path}.{role.name}")
            if isinstance(parsed, FieldError):
                return parsed
            counts[role.name] = parsed
        return counts


TopologyField = Count | Choice | NodeCounts


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """Nodes of one kind in a database, and what each of them takes of the tenant's quota; exporters come on top."""

    role: str
    count: int
    each: Resources
    is_monitored: bool = True
    """False for helpers that store nothing, to which KubeDB adds no exporter."""

    @property
    def taken(self) -> Resources:
        """Return what all of them take together, the exporters included."""
        return (self.each.plus(EXPORTER) if self.is_monitored else self.each).times(self.count)


@dataclass(frozen=True, kw_only=True)
class Mode:
    """A way to lay a database out: `standalone`, `replicated` or `sharded`."""

    name: str
    description: str
    fields: tuple[TopologyField, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DatabaseSpec:
    """Everything that manifests are made from; what the API accepted, without anything of the cluster's answers."""

    object_name: str
    namespace: str
    version: Version
    topology: Topology
    resources: Resources
    """Per data node."""
    storage_class: str | None = None
    external_service_type: str | None = None
    """`LoadBalancer` or `NodePort` where the database is to be reached from outside the cluster, else None."""
    allowed_cidrs: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    deletion_policy: str = "DoNotTerminate"


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a database answers, and what a URI for it needs."""

    host: str
    port: int
    username: str
    password: str
    namespace: str
    object_name: str
    is_external: bool
    topology: Topology

    @property
    def login(self) -> str:
        """Return `username:password` as a URI takes it; a password may hold any character."""
        return f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"

    @property
    def location(self) -> str:
        """Return `host:port` as a URI takes it; a load balancer may have an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One database engine; see `engines/postgres.py` for a filled-in example."""

    name: str
    short_name: str
    """Two letters that begin the name of every object of this engine, as `kubectl` abbreviates the kind."""
    title: str
    kind: str
    """Kind of the custom resource in kubedb.com/v1."""
    ops_kind: str
    port: int
    default_version: str
    versions: tuple[Version, ...]
    modes: tuple[Mode, ...]
    node_groups: Callable[[Topology, Resources], Sequence[NodeGroup]]
    """What the topology makes of a plan: all nodes, helpers included."""
    database_manifest: Callable[[DatabaseSpec], Body]
    uri: Callable[[Address], str]
    """A connection URI that a client library takes as it is."""
    changes: Changes
    backup: BackupTool
    companion_manifests: Callable[[DatabaseSpec], tuple[Body, ...]] = lambda _spec: ()
    """Objects that must exist before the database, such as a RedisSentinel."""
    check: Callable[[Topology, Version, Resources], Sequence[FieldError]] = lambda _topology, _version, _resources: ()
    """Rules between fields that the fields alone cannot say."""
    minimum_memory_mib: Callable[[Version], int] = lambda _version: 256
    metrics: MetricNames | None = None
    """What its exporter calls what we show; None: nothing of the engine's own is measured."""
    needs_privileged_pods: bool = False
    """A pod of it changes a setting of the node's kernel, which the Pod Security level `baseline` forbids."""
    default_database: str = ""
    ca_suffix: str = ""
    """What to append to the object's name for the Secret whose `ca.crt` signed the server's certificate; empty: the server speaks plain text."""

    def version(self, name: str) -> Version | None:
        """Return the version of that name, deprecated or not."""
        return next((version for version in self.versions if version.name == name), None)

    def upgrades(self, name: str) -> list[Version]:
        """Return the versions to which a database of that version can go, in the catalogue's order."""
        now = self.version(name)
        return [version for version in self.versions if now is not None and now.may_become(version)]

    def mode(self, name: str) -> Mode | None:
        """Return the topology mode of that name."""
        return next((mode for mode in self.modes if mode.name == name), None)

    def footprint(self, topology: Topology, resources: Resources) -> Resources:
        """Return what all nodes take together: the amount that quota reserves."""
        total = NOTHING
        for group in self.node_groups(topology, resources):
            total = total.plus(group.taken)
        return total


def unsupported(topology: Topology, version: Version, versions: Sequence[Version]) -> list[FieldError]:
    """Return what the topology asks of this version that it cannot do; for engines' `check`."""
    return [
        FieldError(
            field=f"topology.{name}",
            message=f"{version.name} cannot do {value}; versions that can: {_able(value, version, versions)}.",
            code="unsupported_by_version",
        )
        for name, value in topology.items()
        if isinstance(value, str) and value in version.modes_without
    ]


def _able(value: str, version: Version, versions: Sequence[Version]) -> str:
    able = (
        other.name
        for other in versions
        if other.distribution == version.distribution
        and value not in other.modes_without
        and not (other.deprecated or other.end_of_life)
    )
    return ", ".join(able) or "none"
