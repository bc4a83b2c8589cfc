"""Take one object of ours out of a cluster, whatever state it is in: shared by the delete operation and by undos.

Level-triggered: each call looks at the object and does the one thing that is missing.
"""

from datetime import timedelta

from provisioning.cluster.kinds import DATABASE_KINDS, Ref
from provisioning.cluster.ownership import belongs_to, is_being_deleted
from provisioning.engine import Body
from provisioning.run import NameConflict, Run
from provisioning.workflow.declare import Wait

WIPE_OUT = "WipeOut"
"""The deletion policy under which KubeDB removes volumes and secrets too. Source: kubedb/apimachinery apis/kubedb/v1/types.go"""


KEEP_VOLUMES = "Halt"
"""The deletion policy under which KubeDB leaves volumes and secrets in the cluster."""


def remove(run: Run, ref: Ref, *, keeps_volumes: bool = False) -> Wait | None:
    """Bring the object one step nearer to being gone; None once a look found it gone, which the ledger then says too.

    Raises: NameConflict — the object of that name is not ours.
    """
    found = run.gateway.get(ref)
    if found is None:
        return run.note_absence(ref)
    if not belongs_to(found, run.database.id):
        raise NameConflict(f"{ref} does not belong to this database; it was left alone.")
    if is_being_deleted(found):
        return Wait(reason=_why_it_lingers(found, ref), again_in=_next_look(ref))
    policy = KEEP_VOLUMES if keeps_volumes else WIPE_OUT
    if ref.kind in DATABASE_KINDS and (change := change_before_removal(found, policy)):
        found = run.change(found, {"spec": change})
    run.delete(ref, uid=found["metadata"]["uid"])
    return Wait(reason=f"{ref.kind.kind} {ref.name} is being deleted.", again_in=_next_look(ref))


def change_before_removal(database: Body, policy: str) -> Body:
    """Return the fields of the spec that must change before KubeDB removes the object under this policy; none where it would already.

    While an object is halted KubeDB sets the policy back to Halt, whatever is written, and so would leave everything behind.
    Source: kubedb/apimachinery apis/kubedb/v1/*_webhook.go
    """
    spec = database["spec"]
    if spec.get("halted") and policy != KEEP_VOLUMES:
        return {"halted": False, "deletionPolicy": policy}
    return {"deletionPolicy": policy} if spec.get("deletionPolicy") != policy else {}


def _next_look(ref: Ref) -> timedelta | None:
    """Return when to look again: nobody watches what is not a database."""
    return None if ref.kind in DATABASE_KINDS else timedelta(seconds=1)


def _why_it_lingers(found: Body, ref: Ref) -> str:
    finalizers = ", ".join(found["metadata"].get("finalizers") or ()) or "none"
    return f"{ref.kind.kind} {ref.name} is being deleted (finalizers left: {finalizers})."
