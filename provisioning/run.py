"""What a step is given: the database, the cluster, and the few things a step may do with them.

A step reads freely and takes at most one outside effect, through `create`, `change` or `delete`: they check the lease right before the
call, keep the ledger, and adopt what an earlier try of ours has made. What a step learns is written down with `record`, and saved with
the operation in one transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dbaas.core.clock import Clock
from dbaas.core.crash import crash_point
from dbaas.core.db import atomic
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import AlreadyExists
from provisioning.cluster.kinds import Ref, ref_of
from provisioning.cluster.ownership import FENCE, OVERTAKEN_BY, annotation_of, belongs_to, fence_of, is_being_deleted
from provisioning.engine import Body, Engine
from provisioning.lease import Claim, LeaseLost, hold
from provisioning.models import Database, Operation, Resource
from provisioning.states import OperationState
from provisioning.workflow.declare import Wait

MAY_ARRIVE_FOR = timedelta(seconds=90)
"""For so long after it was sent, a request without an answer may still take effect: an API server gives each one 60 s."""


class LeaseTooOld(Transient):
    """The worker was too slow to begin another call safely; the step is taken again under a new lease."""

    code = "operation.lease_too_old"


class NameConflict(Permanent):
    """An object of this name, which is not ours, is in the cluster."""

    code = "cluster.name_conflict"


class StillLeaving(Transient):
    """An earlier object of this name is still being deleted."""

    code = "cluster.still_leaving"


@dataclass(kw_only=True)
class Run:
    """One try of one step."""

    claim: Claim
    engine: Engine
    gateway: Gateway
    clock: Clock
    recorded: dict[str, Any] = field(default_factory=dict)
    """Columns of the database that are saved with the operation."""

    @property
    def operation(self) -> Operation:
        """Return the operation's row as it was claimed."""
        return self.claim.operation

    @property
    def database(self) -> Database:
        """Return the database's row as it was read with the claim; change it by `record` only."""
        return self.claim.operation.database

    def now(self) -> datetime:
        """Return the present moment."""
        return self.clock.now()

    def record(self, **columns: Any) -> None:
        """Save these columns of the database together with the operation's progress."""
        self.recorded.update(columns)

    def find(self, ref: Ref) -> Body | None:
        """Return an object that an earlier try may have made; where its worker died before it could, the uid is noted now."""
        found = self.gateway.get(ref)
        if found is not None:
            self._ledger_line(ref).filter(uid="", is_gone=False).update(uid=found["metadata"]["uid"])
        return found

    def create(self, body: Body) -> Body:
        """Create the object, or adopt it if an earlier try of ours did; the ledger knows of it before the cluster does.

        Raises: LeaseLost — before anything was done. NameConflict — a foreign object has the name. StillLeaving — an earlier one is not gone yet.
        """
        ref = ref_of(body)
        self._enter_in_ledger(ref)
        self._require_fresh_lease()
        try:
            made = self.gateway.create(body)
        except AlreadyExists:
            made = self._adopt(ref)
        crash_point("create.after_effect")
        self._ledger_line(ref).update(uid=made["metadata"]["uid"])
        return made

    def put(self, body: Body) -> Body:
        """Make an object of the database's as `body` says, whether it is there or not; the ledger knows of it before the cluster does.

        Raises: NameConflict — a foreign object has the name. LeaseLost — a later worker has written it. ClusterConflict — it was changed
        since it was read.
        """
        ref = ref_of(body)
        found = self.gateway.get(ref)
        if found is not None:
            if not belongs_to(found, self.database.id):
                raise NameConflict(f"{ref} exists in the cluster and does not belong to this database.")
            self._require_newest(found)
            version = found["metadata"]["resourceVersion"]
            body = {**body, "metadata": {**body["metadata"], "resourceVersion": version}}
        self._enter_in_ledger(ref)
        self._require_fresh_lease()
        made = self.gateway.apply(body)
        crash_point("put.after_effect")
        self._ledger_line(ref).update(uid=made["metadata"]["uid"])
        return made

    def apply(self, body: Body) -> Body:
        """Make a shared object (a namespace) as `body` says; it outlives the database, so it is not in the ledger."""
        self._require_fresh_lease()
        return self.gateway.apply(body)

    def change(self, found: Body, change: Body) -> Body:
        """Change the fields that `change` names of the object that was read as `found`, and return it as it is then.

        A call that arrives late is refused: it names the version that was read, and leaves the fence that the next worker finds.

        Raises: LeaseLost — a later worker has written it. ClusterConflict — it was changed since it was read.
        """
        self._require_newest(found)
        self._require_fresh_lease()
        metadata = change.get("metadata") or {}
        annotations = {**(metadata.get("annotations") or {}), FENCE: str(self.operation.fence)}
        version = found["metadata"]["resourceVersion"]
        fenced = {**change, "metadata": {**metadata, "resourceVersion": version, "annotations": annotations}}
        return self.gateway.merge(ref_of(found), fenced)

    def delete(self, ref: Ref, *, uid: str) -> None:
        """Ask for this very object to be deleted; whether it is gone is for a later look to say."""
        self._require_fresh_lease()
        self.gateway.delete(ref, uid=uid)
        crash_point("delete.after_effect")

    def overtake(self, found: Body) -> Body:
        """Mark an object, once, that an operation on its way back leaves as it is: what it sent before is refused if it arrives only now."""
        mark = str(self.operation.id)
        if self.operation.state != OperationState.UNDOING or annotation_of(found, OVERTAKEN_BY) == mark:
            return found
        return self.change(found, {"metadata": {"annotations": {OVERTAKEN_BY: mark}}})

    def note_absence(self, ref: Ref) -> Wait | None:
        """Note that somebody looked and the object is not there; wait first where a request for it, that got no answer, may still arrive."""
        line = self._ledger_line(ref).filter(is_gone=False, uid="").first()
        may_arrive_until = line.asked_at + MAY_ARRIVE_FOR if line is not None and line.asked_at else self.now()
        if self.now() < may_arrive_until:
            reason = f"A request for {ref} got no answer; it may still arrive."
            return Wait(reason=reason, again_in=may_arrive_until - self.now())
        self.strike_from_ledger(ref)
        return None

    def strike_from_ledger(self, ref: Ref) -> None:
        """Note that the object is gone: somebody looked, and it is not there."""
        self._ledger_line(ref).filter(is_gone=False).update(is_gone=True, gone_at=self.now())

    def _adopt(self, ref: Ref) -> Body:
        found = self.gateway.get(ref)
        if found is None:
            raise StillLeaving(f"{ref} was there a moment ago and is gone now.")
        if not belongs_to(found, self.database.id):
            raise NameConflict(f"{ref} exists in the cluster and does not belong to this database.")
        if is_being_deleted(found):
            raise StillLeaving(f"An earlier {ref} is still being deleted.")
        return found

    def _enter_in_ledger(self, ref: Ref) -> None:
        with atomic():
            hold(self.claim)
            self._write_line(ref)

    def _write_line(self, ref: Ref) -> None:
        line, is_new = Resource.objects.get_or_create(
            cluster=self.database.cluster,
            kind=ref.kind.kind,
            namespace=ref.namespace or "",
            name=ref.name,
            defaults={
                "database": self.database,
                "operation_id": self.operation.id,
                "api_version": ref.kind.api_version,
                "created_at": self.now(),
                "asked_at": self.now(),
            },
        )
        if is_new:
            return
        again = {"asked_at": self.now(), "uid": ""}
        if line.is_gone:
            again |= {"is_gone": False, "gone_at": None, "operation_id": self.operation.id}
        self._ledger_line(ref).update(**again)

    def _ledger_line(self, ref: Ref) -> Any:
        return Resource.objects.filter(
            cluster=self.database.cluster, kind=ref.kind.kind, namespace=ref.namespace or "", name=ref.name
        )

    def _require_newest(self, found: Body) -> None:
        if fence_of(found) > self.operation.fence:
            raise LeaseLost

    def _require_fresh_lease(self) -> None:
        if not self.claim.may_take_effect():
            raise LeaseTooOld
