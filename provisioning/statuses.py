"""The one friendly word for how a database is, from its row: what is being done to it, else its state and the phase that was observed. Pure."""

from provisioning.models import Database
from provisioning.operations import all_workflows
from provisioning.states import DatabaseState

_READY_BUT = {"Critical": "degraded", "NotReady": "unavailable", "Missing": "unavailable", "Halted": "paused"}
"""Phases of a database that we left ready. Source: kubedb/apimachinery pkg/phase/phase.go; `Missing` is the reaper's."""


def status_of(database: Database) -> str:
    """Return `provisioning`, `deleting`, ...; or `ready`, `degraded`, `unavailable`, `paused`, `failed`, `deleted`."""
    if database.next_operation_id:
        return all_workflows()["delete"].status
    if database.active_operation_kind:
        return all_workflows()[database.active_operation_kind].status
    if database.state == DatabaseState.READY:
        return _READY_BUT.get(database.phase, "ready")
    return database.state
