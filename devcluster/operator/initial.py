"""What must have happened before a new database counts as provisioned: pure questions about its spec and status."""

from devcluster.operator.kube import Body
from devcluster.operator.phases import Type, status_of


def awaits_restore(spec: Body, status: Body) -> bool:
    """Tell whether the database has to be filled from a backup first."""
    initial = spec.get("init") or {}
    if not initial.get("waitForInitialRestore") or initial.get("initialized"):
        return False
    return status_of(status.get("conditions") or [], Type.DATA_RESTORED) is not True
