"""What a database consists of, as plain values: an engine describes it, `objects.py` writes it as Kubernetes objects.

Nothing here knows of an engine or of the API server.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from devcluster.operator.kube import Body

PRIMARY = "primary"
STANDBY = "standby"


@dataclass(frozen=True, kw_only=True)
class Port:
    """One port of a service."""

    name: str
    number: int


@dataclass(frozen=True, kw_only=True)
class PodShape:
    """One pod: its name, its place in its PetSet and the labels that only it has."""

    name: str
    group: "NodeGroup"
    ordinal: int
    labels: Mapping[str, str]

    @property
    def claim_name(self) -> str:
        """The name of its volume claim."""
        return f"{self.group.claim}-{self.name}"


@dataclass(frozen=True, kw_only=True)
class NodeGroup:
    """The pods of one PetSet, which differ only in their ordinal and their role."""

    name: str
    replicas: int
    governing_service: str
    container: str
    pod_template: Body
    storage: Body | None
    """The claim's spec; None means that the data goes with the pod."""
    claim: str = "data"
    labels: Mapping[str, str] = field(default_factory=dict)
    first_pod_labels: Mapping[str, str] = field(default_factory=dict)
    other_pods_labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def pods(self) -> Iterator[PodShape]:
        """Its pods in the order in which they start."""
        for ordinal in range(self.replicas):
            own = self.other_pods_labels if ordinal else self.first_pod_labels
            yield PodShape(name=f"{self.name}-{ordinal}", group=self, ordinal=ordinal, labels={**self.labels, **own})


@dataclass(frozen=True, kw_only=True)
class ServiceShape:
    """One service; `alias` is the name under which a service template of the spec may change it."""

    name: str
    ports: tuple[Port, ...]
    selector: Mapping[str, str] = field(default_factory=dict)
    alias: str = ""
    headless: bool = False


@dataclass(frozen=True, kw_only=True)
class SecretShape:
    """A secret that outlives the database unless it is wiped out; its values are made once, when it is missing."""

    name: str
    kind: str
    values: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Binding:
    """What the AppBinding says about how to connect."""

    scheme: str
    port: int
    service: str
    path: str = ""
    query: str = ""
    url: str = ""
    parameters: Body | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All that is made for one database."""

    groups: tuple[NodeGroup, ...]
    services: tuple[ServiceShape, ...]
    binding: Binding | None
    secrets: tuple[SecretShape, ...] = ()

    @property
    def pods(self) -> tuple[PodShape, ...]:
        """All pods in the order in which they start."""
        return tuple(pod for group in self.groups for pod in group.pods)
