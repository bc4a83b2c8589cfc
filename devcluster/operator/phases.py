"""From conditions to the phase of a database: pure, and exactly in the order in which KubeDB decides.

Which conditions are set, and when, is decided in `provisioner.py` and `deletion.py`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Condition = dict[str, Any]


class Type(StrEnum):
    """The condition types that decide the phase."""

    HEALTH_CHECK_PAUSED = "HealthCheckPaused"
    PROVISIONING_STARTED = "ProvisioningStarted"
    REPLICA_READY = "ReplicaReady"
    ACCEPTING_CONNECTION = "AcceptingConnection"
    DATA_RESTORE_STARTED = "DataRestoreStarted"
    DATA_RESTORED = "DataRestored"
    READY = "Ready"
    PROVISIONED = "Provisioned"
    HALTED = "Halted"


class Phase(StrEnum):
    """What `status.phase` of a database may say; empty until the operator has touched it."""

    EMPTY = ""
    PROVISIONING = "Provisioning"
    DATA_RESTORING = "DataRestoring"
    READY = "Ready"
    CRITICAL = "Critical"
    NOT_READY = "NotReady"
    HALTED = "Halted"
    UNKNOWN = "Unknown"


REASONS: dict[tuple[Type, bool], tuple[str, str]] = {
    (Type.PROVISIONING_STARTED, True): (
        "DatabaseProvisioningStartedSuccessfully",
        "The operator has started the provisioning.",
    ),
    (Type.REPLICA_READY, True): ("AllReplicasReady", "All replicas are ready."),
    (Type.REPLICA_READY, False): ("SomeReplicasNotReady", "Some replicas are not ready."),
    (Type.ACCEPTING_CONNECTION, True): ("DatabaseAcceptingConnectionRequest", "The database accepts connections."),
    (Type.ACCEPTING_CONNECTION, False): (
        "DatabaseNotAcceptingConnectionRequest",
        "The database does not accept connections.",
    ),
    (Type.DATA_RESTORE_STARTED, True): ("DataRestoreStartedByExternalInitializer", "The data is being restored."),
    (Type.DATA_RESTORED, True): ("SuccessfullyDataRestored", "The data is restored."),
    (Type.DATA_RESTORED, False): ("FailedToRestoreData", "The data could not be restored."),
    (Type.READY, True): ("ReadinessCheckSucceeded", "The database is ready."),
    (Type.READY, False): ("ReadinessCheckFailed", "The database is not ready."),
    (Type.PROVISIONED, True): ("DatabaseSuccessfullyProvisioned", "The database is provisioned."),
    (Type.HALTED, True): ("DatabaseHaltedSuccessfully", "The database is halted."),
}


def status_of(conditions: Sequence[Condition], kind: Type) -> bool | None:
    """Tell whether a condition is True or False; None when it is absent or Unknown."""
    for condition in conditions:
        if condition["type"] == kind:
            return {"True": True, "False": False}.get(str(condition["status"]))
    return None


def phase_of(conditions: Sequence[Condition]) -> Phase:
    """Derive the phase; the first rule that matches wins."""
    if status_of(conditions, Type.HEALTH_CHECK_PAUSED):
        return Phase.UNKNOWN
    base = Phase.PROVISIONING if status_of(conditions, Type.PROVISIONING_STARTED) else Phase.EMPTY
    if status_of(conditions, Type.HALTED):
        return Phase.HALTED
    restored = status_of(conditions, Type.DATA_RESTORED)
    if status_of(conditions, Type.DATA_RESTORE_STARTED) and restored is None:
        return Phase.DATA_RESTORING
    if restored is False:
        return Phase.NOT_READY
    if status_of(conditions, Type.PROVISIONED):
        return _phase_when_provisioned(conditions) or base
    return base


def _phase_when_provisioned(conditions: Sequence[Condition]) -> Phase | None:
    if status_of(conditions, Type.ACCEPTING_CONNECTION) is False:
        return Phase.NOT_READY
    if status_of(conditions, Type.REPLICA_READY) is False:
        return Phase.CRITICAL
    return {True: Phase.READY, False: Phase.CRITICAL, None: None}[status_of(conditions, Type.READY)]


def with_condition(
    conditions: Sequence[Condition],
    kind: Type,
    *,
    status: bool,
    generation: int,
    now: datetime | None = None,
    reason: str = "",
    message: str = "",
) -> list[Condition]:
    """Give the conditions with one of them set; its transition time moves only when its status does."""
    usual_reason, usual_message = REASONS[kind, status]
    said = str(status)
    before = next((condition for condition in conditions if condition["type"] == kind), None)
    kept = before is not None and before["status"] == said
    condition = {
        "type": str(kind),
        "status": said,
        "reason": reason or usual_reason,
        "message": message or usual_message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if before and kept else timestamp(now),
    }
    if before is None:
        return [*conditions, condition]
    return [condition if other is before else other for other in conditions]


def without(conditions: Sequence[Condition], *kinds: Type) -> list[Condition]:
    """Give the conditions except those of the given types."""
    return [condition for condition in conditions if condition["type"] not in kinds]


def timestamp(now: datetime | None = None) -> str:
    """Format a time as Kubernetes writes it: UTC, whole seconds."""
    return (now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
