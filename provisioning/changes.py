"""What an engine says of changes to a running database: how each is asked of KubeDB, and how the result is read back. Pure.

Every block is one of `spec.<block>` of an OpsRequest. Source: kubedb/apimachinery apis/ops/v1alpha1/*_types.go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbaas.core.errors import FieldError
from provisioning.sizes import Resources

Block = dict[str, Any]
Topology = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a custom resource says that it has: the columns of a row that operations change."""

    version: str
    topology: Topology
    resources: Resources


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A setting of the server that a customer may change."""

    name: str
    description: str
    minimum: int | None = None
    maximum: int | None = None
    allowed: tuple[str, ...] = ()

    def parse(self, value: object, path: str) -> str | FieldError:
        """Return the value as the server's file takes it, or what is wrong with it."""
        if self.allowed:
            if str(value) in self.allowed:
                return str(value)
            return FieldError(field=path, message=f"must be one of: {', '.join(self.allowed)}.", code="invalid_choice")
        if isinstance(value, bool) or not isinstance(value, int):
            return FieldError(field=path, message="must be a whole number.", code="invalid_type")
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            return FieldError(field=path, message=f"must be between {low} and {high}.", code="out_of_range")
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """How one engine's databases are changed."""

    compute: Callable[[Topology, Block], Block]
    """`verticalScaling`: what gets these `resources` (requests and limits)."""
    members: Callable[[Topology], Block]
    """`horizontalScaling` towards this topology."""
    storage: Callable[[Topology, str], Block]
    """`volumeExpansion` to this quantity per data node."""
    read: Callable[[Mapping[str, Any], Topology], Held]
    """From a custom resource's `spec`, and the topology as it was, to what it has."""
    configuration: Callable[[Topology, Block], Block]
    """`configuration` of a Reconfigure request that makes this change, such as `{"applyConfig": {...}}`, to all data nodes."""
    parameters: tuple[Parameter, ...]
    file_name: str
    render: Callable[[Mapping[str, str]], str]
    """From parameters to the text of that file."""
    refuse_members: Callable[[Topology, Topology], Sequence[FieldError]] = lambda _now, _then: ()
    """Why KubeDB would not go from the one topology to the other."""
    refuse_upgrade: Callable[[Topology], str] = lambda _topology: ""
    """Why KubeDB upgrades no database of this topology; empty where it does."""

    def parameter(self, name: str) -> Parameter | None:
        """Return the parameter of that name."""
        return next((known for known in self.parameters if known.name == name), None)


@dataclass(frozen=True, kw_only=True)
class BackupTool:
    """The KubeStash addon, and the legacy Stash task, that back an engine's databases up."""

    addon: str
    params: Mapping[str, str]
    stash_task: str
    """First part of the names of Stash's tasks: `<this>-backup`, `<this>-restore`."""
    addon_by_distribution: Mapping[str, str] = field(default_factory=dict)
    """Where a distribution has an addon of its own."""
    archiver_kind: str = ""
    """Kind of the archiver for point-in-time recovery; empty where the engine has none."""


def cpu_millicores(quantity: object) -> int:
    """Return a Kubernetes quantity of processor time, such as `500m` or `2`, in thousandths of a core."""
    text = str(quantity)
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


_BYTES = {
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "K": 10**3,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
}


def quantity_bytes(quantity: object) -> int:
    """Return a Kubernetes quantity of memory or storage, such as `10Gi`, in bytes."""
    text = str(quantity)
    number = text.rstrip("KMGTik")
    return int(float(number) * _BYTES.get(text[len(number) :], 1))


def read_resources(node: Mapping[str, Any], container: str) -> Resources:
    """Return what one node (an object with `podTemplate` and `storage`) has in a custom resource.

    Raises: KeyError — the object does not say: KubeDB writes its defaults into every one.
    """
    containers = node["podTemplate"]["spec"]["containers"]
    limits = next(found["resources"]["limits"] for found in containers if found["name"] == container)
    requests = next(found["resources"].get("requests", limits) for found in containers if found["name"] == container)
    return Resources(
        cpu_millicores=cpu_millicores(requests["cpu"]),
        memory_mib=quantity_bytes(limits["memory"]) // 2**20,
        storage_gib=quantity_bytes(node["storage"]["resources"]["requests"]["storage"]) // 2**30,
    )


def assignments(parameters: Mapping[str, str]) -> str:
    """Render `name = value` lines, in alphabetical order."""
    return "".join(f"{name} = {value}\n" for name, value in sorted(parameters.items()))


def flat_yaml(parameters: Mapping[str, str]) -> str:
    """Render `name: value` lines, whose dotted names stay as they are."""
    return "".join(f"{name}: {value}\n" for name, value in sorted(parameters.items()))


def directives(parameters: Mapping[str, str]) -> str:
    """Render `name value` lines."""
    return "".join(f"{name} {value}\n" for name, value in sorted(parameters.items()))


def cnf_file(parameters: Mapping[str, str]) -> str:
    """Render a section `[mysqld]`."""
    return "[mysqld]\n" + assignments(parameters)


def yaml_file(parameters: Mapping[str, str]) -> str:
    """Render nested YAML from names such as `net.maxIncomingConnections`: one section and one name."""
    lines: list[str] = []
    for name, value in sorted(parameters.items()):
        section, _, leaf = name.partition(".")
        if f"{section}:" not in lines:
            lines.append(f"{section}:")
        lines.append(f"  {leaf}: {value}")
    return "\n".join([*lines, ""])
