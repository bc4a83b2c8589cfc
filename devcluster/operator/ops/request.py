"""One OpsRequest as it was read, and its status as it is written: the phase, and conditions that tell how far it is."""

from dataclasses import dataclass
from enum import StrEnum

from devcluster.operator.kube import Body, Kube
from devcluster.operator.phases import timestamp
from devcluster.operator.resources import Resource


class RequestPhase(StrEnum):
    """What `status.phase` of an OpsRequest may say; empty until the operator has seen it."""

    EMPTY = ""
    PENDING = "Pending"
    PROGRESSING = "Progressing"
    SUCCESSFUL = "Successful"
    FAILED = "Failed"
    SKIPPED = "Skipped"


LIVE = (RequestPhase.EMPTY, RequestPhase.PENDING, RequestPhase.PROGRESSING)


class RequestFailedError(Exception):
    """The request cannot be carried out; the message is for whoever made it."""


@dataclass(frozen=True)
class Request:
    """Questions about one OpsRequest, as it was read."""

    body: Body

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self.body["metadata"]["name"])

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.body["metadata"]["uid"])

    @property
    def type(self) -> str:
        """What is to be done, for example Restart."""
        return str(self.body["spec"].get("type", ""))

    @property
    def database(self) -> str:
        """The name of the database, in the request's namespace."""
        return str((self.body["spec"].get("databaseRef") or {}).get("name", ""))

    @property
    def phase(self) -> str:
        """The phase as last seen."""
        return str((self.body.get("status") or {}).get("phase") or "")

    @property
    def is_live(self) -> bool:
        """Whether something is still to be done about it."""
        return self.phase in LIVE

    @property
    def age(self) -> tuple[str, str]:
        """What requests are sorted by, oldest first: the time has whole seconds, so names decide between equals."""
        return str(self.body["metadata"]["creationTimestamp"]), self.name

    @property
    def always(self) -> bool:
        """Whether it runs on a database that is not ready, too."""
        return str(self.body["spec"].get("apply", "IfReady")) == "Always"

    def block(self, name: str) -> Body:
        """Give the part of the spec that belongs to one type of request."""
        found: Body = self.body["spec"].get(name) or {}
        return found


@dataclass(kw_only=True)
class Progress:
    """Writes the status of one request."""

    kube: Kube
    resource: Resource
    body: Body

    @property
    def conditions(self) -> list[Body]:
        """The conditions as last written."""
        return list((self.body.get("status") or {}).get("conditions") or [])

    def condition(self, kind: str) -> Body | None:
        """Give one condition, None when it is absent."""
        return next((one for one in self.conditions if one["type"] == kind), None)

    def has(self, kind: str) -> bool:
        """Tell whether a condition is True."""
        found = self.condition(kind)
        return found is not None and found["status"] == "True"

    async def note(self, kind: str, message: str, *, status: bool = True, reason: str = "") -> None:
        """Set one condition. Raises: NotFoundError — the request was deleted."""
        await self.write({kind: (status, reason or kind.partition("--")[0], message)})

    async def write(
        self, changes: dict[str, tuple[bool, str, str]], *, phase: RequestPhase | None = None, more: Body | None = None
    ) -> None:
        """Set conditions (status, reason and message of each) and the phase in one write. Raises: NotFoundError."""
        conditions = self.conditions
        generation = int(self.body["metadata"].get("generation", 1))
        for kind, (status, reason, message) in changes.items():
            conditions = _with(conditions, kind, (str(status), reason, message), generation)
        wanted: Body = {"conditions": conditions, "observedGeneration": generation, **(more or {})}
        if phase is not None:
            wanted["phase"] = str(phase)
        present = self.body.get("status") or {}
        if any(present.get(key) != value for key, value in wanted.items()):
            metadata = self.body["metadata"]
            place = (self.resource, metadata["namespace"], metadata["name"])
            self.body = await self.kube.patch_status(*place, {"status": wanted})


def _with(conditions: list[Body], kind: str, said: tuple[str, str, str], generation: int) -> list[Body]:
    """Set one condition; its transition time moves only when its status does."""
    before = next((one for one in conditions if one["type"] == kind), None)
    kept = before is not None and before["status"] == said[0]
    condition = {
        "type": kind,
        "status": said[0],
        "reason": said[1],
        "message": said[2],
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before and kept else timestamp(),
    }
    if before is None:
        return [*conditions, condition]
    return [condition if one is before else one for one in conditions]
