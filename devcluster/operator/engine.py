"""The type Engine: all that the operator must know of a kind of database, and what an engine may use to run one.

One engine is one file in `engines/`, found by looking in the folder. Adding one changes no other file.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster.operator import engines
from devcluster.operator.database import ROLE_LABEL, Database
from devcluster.operator.kube import Body
from devcluster.operator.layout import STANDBY, Layout, PodShape
from devcluster.operator.processes import PodKey, Processes
from devcluster.operator.resources import Resource, database_resource, version_resource


@dataclass(frozen=True, kw_only=True)
class Login:
    """The administrator's name and password; an empty password means that authentication is off."""

    username: str
    password: str


class UnsuitableError(Exception):
    """What an OpsRequest wants does not fit this database."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Where the spec keeps what an OpsRequest calls by one word, for example `shard`."""

    path: tuple[str, ...] = ()
    container: str
    """Empty where resources stand beside the pod template instead of in one of its containers."""
    volume: tuple[str, ...] = ("storage", "resources", "requests")
    """Where, below the path, the size of its volumes stands; empty for no volumes."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Another database that this one needs, with its login and where its servers listen."""

    db: Database
    login: Login
    ports: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One database with everything that its servers need."""

    db: Database
    layout: Layout
    login: Login
    config_files: Mapping[str, str]
    volumes: Mapping[str, Path]
    """The folder of each pod, by the pod's name; simulated databases have none."""
    processes: Processes
    peers: Mapping[str, Peer]
    """Other databases that this one refers to, by what it calls them."""

    def key(self, pod: PodShape) -> PodKey:
        """Give the key of a pod's server."""
        return PodKey(self.db.namespace, pod.name)

    @property
    def owner(self) -> tuple[str, str, str]:
        """The key of the database, which its servers carry."""
        return self.db.resource.plural, self.db.namespace, self.db.name


class Engine(ABC):
    """A kind of database. An engine that overrides nothing but the descriptions is simulated: no process runs."""

    kind: str
    plural: str
    simulated_start_seconds: float = 1.0
    """How long all pods of a simulated database take together to start."""
    catalogue_kind: str = ""
    """The kind whose versions it uses, where that is not its own."""

    def __init__(self, root: Path) -> None:
        """`root` is the operator's data folder, for what the databases of an engine share."""
        self.root = root

    @property
    def resource(self) -> Resource:
        """Where the API server serves its databases."""
        return database_resource(self.kind, self.plural)

    @property
    def versions(self) -> Resource:
        """Where the API server serves the versions of the catalogue."""
        return version_resource(self.catalogue_kind or self.kind)

    @abstractmethod
    def username(self, db: Database) -> str:
        """Give the name of the administrator; empty when there is no authentication."""

    @abstractmethod
    def defaults(self, db: Database) -> Body:
        """Give the spec with all defaults filled in."""

    @abstractmethod
    def layout(self, db: Database) -> Layout:
        """Describe all that is made for a database whose defaults are filled in."""

    @abstractmethod
    def parts(self, db: Database) -> Mapping[str, Part]:
        """Give the node types that an OpsRequest may name for this database."""

    def running_version(self, db: Database) -> str | None:  # noqa: ARG002 - real engines look at the database
        """Tell which server really runs, for example PostgreSQL 17.10; None when the database is simulated."""
        return None

    def has_server(self, db: Database, pod: PodShape) -> bool:  # noqa: ARG002 - all pods are alike in most engines
        """Tell whether a real server stands behind a pod."""
        return self.running_version(db) is not None

    def referred(self, db: Database) -> dict[str, tuple[str, str, str]]:  # noqa: ARG002 - most refer to none
        """Give the keys (plural, namespace, name) of other databases that must be ready before this one."""
        return {}

    async def warm_up(self) -> None:
        """Prepare what all databases of this engine share, so that the first one does not have to wait for it."""
        return

    async def start_pod(self, workload: Workload, pod: PodShape) -> str:
        """Make the server of a pod run and give its address; called for pods that have a server. Raises: ServerError."""
        raise NotImplementedError

    async def join(self, workload: Workload) -> None:  # noqa: ARG002 - only clusters have something to join
        """Bring the running servers together."""
        return

    @abstractmethod
    def scale(self, spec: Body, wanted: Body) -> None:
        """Write the members that a HorizontalScaling wants into a spec, in place. Raises: UnsuitableError."""

    async def restart_order(self, workload: Workload, pods: Sequence[PodShape]) -> list[PodShape]:  # noqa: ARG002 - most need none
        """Put pods, standbys first, into the order in which they may be restarted with the workload's settings."""
        return list(pods)

    async def before_restart(self, workload: Workload, pod: PodShape) -> None:  # noqa: ARG002 - most need nothing
        """Do what must be done while the server of a pod still runs."""
        return

    async def refresh(self, workload: Workload) -> None:  # noqa: ARG002 - simulated servers have no settings
        """Make running servers follow the workload as far as they can without a restart. Raises: ServerError."""
        return

    async def needs_restart(self, workload: Workload) -> bool:  # noqa: ARG002 - most cannot tell
        """Tell, after `refresh`, whether running servers follow their settings only after a restart."""
        return True

    async def change_password(self, workload: Workload, password: str) -> None:  # noqa: ARG002 - simulated ones have none
        """Give the running servers another password; the workload has the present one. May run again. Raises: ServerError."""
        return

    async def release(self, workload: Workload, leaving: Sequence[str]) -> None:  # noqa: ARG002 - most just stop
        """Make it safe to stop the named pods, which are not in the workload any more. Raises: ServerError."""
        return

    async def can_go_back(self, workload: Workload, before: Database) -> bool:  # noqa: ARG002 - most can always
        """Tell whether the servers could run as they did before a failed change to this workload."""
        return True

    async def leave(self, db: Database, peers: Mapping[str, Peer]) -> None:  # noqa: ARG002 - most have no peers
        """Tell the peers that still run that this database is going away."""
        return

    async def is_healthy(self, workload: Workload, pod: PodShape) -> bool:
        """Ask the server of a pod whether it answers; called for pods that have a server."""
        raise NotImplementedError

    async def roles(self, workload: Workload) -> dict[str, str]:  # noqa: ARG002 - most roles never change
        """Give the present role of the pods whose role may change by itself, by pod name."""
        return {}

    def accepts(self, pods: Mapping[str, bool], labels: Mapping[str, Mapping[str, str]]) -> bool:
        """Tell from the health and the labels of each pod whether clients can connect: all but standbys are needed."""
        return all(healthy for name, healthy in pods.items() if labels[name].get(ROLE_LABEL) != STANDBY)


def load_engines(root: Path) -> dict[str, Engine]:
    """Find the engines in their folder, by the plural of their kind."""
    found: dict[str, Engine] = {}
    for module in pkgutil.iter_modules(engines.__path__, f"{engines.__name__}."):
        engine: Engine = importlib.import_module(module.name).ENGINE(root)
        found[engine.plural] = engine
    return found
