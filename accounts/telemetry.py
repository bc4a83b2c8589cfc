"""What /metrics says of the audit trail, read from the metadata database when it is asked for."""

from datetime import datetime

from accounts.models import AuditEvent
from dbaas.health.readings import Reading, Readings, single


def _oldest_unsealed(now: datetime) -> float:
    oldest = AuditEvent.objects.filter(position=None).order_by("id").values_list("at", flat=True).first()
    return (now - oldest).total_seconds() if oldest else 0.0


TRAIL = (
    Reading(
        name="dbaas_audit_oldest_unsealed_seconds",
        text="For how long the oldest audit event has waited to be linked into its chain.",
        read=single(_oldest_unsealed),
    ),
)


def collector() -> Readings:
    """Return what /metrics is to read of the audit trail."""
    return Readings(TRAIL)
