"""Halt a custom resource and wake it again: shared by pause and resume, in both directions.

KubeDB rewrites `deletionPolicy` to Halt as it halts, and refuses to halt what is protected: so the policy goes along with the flag, and comes
back with it. Source: kubedb/apimachinery pkg/webhooks/kubedb/v1, pkg/controller/deletion/halt.go.
"""

from provisioning import making
from provisioning.backups import driver_of
from provisioning.cluster.kinds import Ref, ref_of
from provisioning.engine import Body
from provisioning.observations import observed_columns, observed_phase, why_not_ready
from provisioning.readback import DatabaseGone
from provisioning.run import Run
from provisioning.workflow.declare import Wait

PROTECTED = "DoNotTerminate"


def halt(run: Run, ref: Ref) -> Wait | None:
    """Bring the object one step nearer to standing still; None once KubeDB says that it does.

    Raises: DatabaseGone.
    """
    found = run.overtake(_find(run, ref))
    if not found["spec"].get("halted"):
        found = run.change(found, {"spec": {"halted": True, "deletionPolicy": "Halt"}})
    return _until(run, ref, found, "Halted")


def wake(run: Run, ref: Ref) -> Wait | None:
    """Bring the object one step nearer to being ready, and protected from deletion as before; None once KubeDB says that it is.

    Raises: DatabaseGone.
    """
    found = run.overtake(_find(run, ref))
    spec = found["spec"]
    if spec.get("halted") or spec.get("deletionPolicy") != PROTECTED:
        found = run.change(found, {"spec": {"halted": False, "deletionPolicy": PROTECTED}})
    return _until(run, ref, found, "Ready")


def halt_companions(run: Run) -> Wait | None:
    """Halt what stands beside the database, after it."""
    for body in making.companions(run):
        if waits := halt(run, ref_of(body)):
            return waits
    return None


def wake_companions(run: Run) -> Wait | None:
    """Wake what stands beside the database, before it."""
    for body in making.companions(run):
        if waits := wake(run, ref_of(body)):
            return waits
    return None


def pause_backups(run: Run, *, paused: bool) -> None:
    """Suspend the backups of a database that has any, or take them up again."""
    if not run.database.cluster.backup_driver:
        return
    driver = driver_of(run.database.cluster)
    for ref in driver.configurations(run.database):
        found = run.gateway.get(ref)
        if found is not None:
            run.change(found, driver.pause(paused=paused))


def _find(run: Run, ref: Ref) -> Body:
    found = run.gateway.get(ref)
    if found is None:
        raise DatabaseGone(f"{ref} is not in the cluster.")
    return found


def _until(run: Run, ref: Ref, found: Body, phase: str) -> Wait | None:
    if ref.name == run.database.object_name:
        run.record(**observed_columns(found))
    return None if observed_phase(found) == phase else Wait(reason=f"{ref.kind.kind}: {why_not_ready(found)}")
