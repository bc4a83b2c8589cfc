"""What the product needs of a tool that backs databases up: the type that every driver fills in, and the names that all of them give."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from dbaas.core.errors import Conflict
from dbaas.core.ids import short_name
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import Ref
from provisioning.cluster.ownership import annotations_for, labels_for
from provisioning.engine import Body, Engine
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation


class NoBackupsHere(Conflict):
    """No backup storage is set up in this database's region: ask the operator of this service."""

    code = "backup.not_available"


class Outcome(StrEnum):
    """How a run of the tool stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    """The tool did not begin, because something else was running or paused: ask again."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How a run of the tool stands, and what it says."""

    outcome: Outcome
    message: str
    done: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A copy, as the tool reports it."""

    object_name: str
    """The database's."""
    snapshot: str
    repository: str
    run: str
    """Name of the run that took it: ours for those that we asked for."""
    is_scheduled: bool
    outcome: Outcome
    at: datetime | None
    size_bytes: int | None
    version: str
    checksum: str = ""
    error: str = ""
    is_leaving: bool = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """From when until when a database can be brought back to any moment."""

    begins_at: datetime
    ends_at: datetime


class BackupDriver(ABC):
    """One tool. Manifests are pure; only `seen` and `window` read the cluster."""

    name: str

    @abstractmethod
    def configuration(
        self, database: Database, engine: Engine, operation: Operation, policy: BackupPolicy | None
    ) -> list[Body]:
        """Return the objects that make the database one that is backed up: on request, and by the policy where there is one."""

    @abstractmethod
    def configuration_ref(self, database: Database) -> Ref:
        """Return the address of the object that holds schedule and sessions."""

    @abstractmethod
    def configurations(self, database: Database) -> list[Ref]:
        """Return the addresses of all objects that hold a schedule."""

    @abstractmethod
    def is_configured(self, body: Body) -> bool:
        """Tell from that object whether the tool has taken it up."""

    @abstractmethod
    def session(self, database: Database, operation: Operation, name: str, configuration: Body) -> Body:
        """Return the object that asks for one copy now."""

    @abstractmethod
    def restoration(self, database: Database, engine: Engine, operation: Operation, backup: Backup) -> Body:
        """Return the object that brings the copy's content into the database."""

    @abstractmethod
    def progress(self, body: Body) -> Progress:
        """Read how a session or a restoration stands."""

    @abstractmethod
    def seen(self, gateway: Gateway, database: Database | None = None) -> list[Seen]:
        """Return all copies that the tool knows of: of one database, or of all."""

    @abstractmethod
    def window(self, gateway: Gateway, database: Database) -> Window | None:
        """Return the window of point-in-time recovery, where there is one."""

    @abstractmethod
    def pause(self, *, paused: bool) -> Body:
        """Return the change of the configuration that suspends its schedule, or takes it up again."""

    @abstractmethod
    def archiving(self, cluster: Cluster, *, wanted: bool) -> Body:
        """Return the change of a database's object that lets an archiver keep every change from now on, or no longer."""

    @abstractmethod
    def recovery(self, source: Database, at: datetime) -> Body:
        """Return the `spec.init` of a new database that begins as the source was at that moment."""

    @abstractmethod
    def archived(self, gateway: Gateway, database: Database) -> list[Ref]:
        """Return the addresses of what the archiver keeps of the database."""

    @abstractmethod
    def repositories(self, database: Database) -> list[Ref]:
        """Return the addresses of the objects, made by the tool, that copies of the database are kept under; they outlive the database."""

    @abstractmethod
    def copy_ref(self, backup: Backup) -> Ref:
        """Return the address of the object that stands for the copy."""

    @abstractmethod
    def forget_data(self, body: Body) -> Body | None:
        """Return the change that makes deleting this object delete the data too; None where it does so by itself."""


def described(database: Database, operation: Operation, name: str) -> dict[str, Any]:
    """Return the metadata of an object that belongs to the database."""
    return {
        "name": name,
        "namespace": database.namespace,
        "labels": labels_for(tenant_id=database.tenant_id, database_id=database.id),
        "annotations": annotations_for(
            operation_id=operation.id, fence=operation.fence, request_id=operation.request_id
        ),
    }


def run_name(database: Database, operation: Operation, number: int) -> str:
    """Return the name of the operation's run: the next number where the tool skipped the one before."""
    return f"{database.object_name}-{short_name(operation.id)}-{number}"


def moment(text: object) -> datetime | None:
    """Return the time that the cluster's text stands for."""
    return datetime.fromisoformat(str(text)) if text else None


def phase_of(body: Mapping[str, Any]) -> str:
    """Return the object's phase; empty while it has none."""
    return str((body.get("status") or {}).get("phase", ""))
