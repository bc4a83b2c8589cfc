"""What /metrics says of webhooks, read from the metadata database when it is asked for."""

from datetime import datetime

from dbaas.health.readings import Reading, Readings, single
from webhooks.dispatching import oldest_due_age
from webhooks.models import Delivery, DeliveryState, Endpoint


def _oldest_due(now: datetime) -> float:
    return oldest_due_age(now=now).total_seconds()


def _pending(_now: datetime) -> float:
    return float(Delivery.objects.filter(state=DeliveryState.PENDING, next_attempt_at__isnull=False).count())


def _failing(_now: datetime) -> float:
    return float(Endpoint.objects.filter(is_enabled=True, failing_since__isnull=False).count())


OUTBOX = (
    Reading(
        name="dbaas_webhook_oldest_due_seconds",
        text="For how long the most overdue webhook message has waited to be sent.",
        read=single(_oldest_due),
    ),
    Reading(
        name="dbaas_webhook_deliveries_pending",
        text="Webhook messages that were not delivered yet.",
        read=single(_pending),
    ),
    Reading(
        name="dbaas_webhooks_failing",
        text="Enabled webhooks at which the last try failed.",
        read=single(_failing),
    ),
)


def collector() -> Readings:
    """Return what /metrics is to read of webhooks."""
    return Readings(OUTBOX)
