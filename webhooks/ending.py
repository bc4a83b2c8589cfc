"""What ends deliveries before they arrive: an endpoint that is switched off, by a member or because it cannot be reached."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F

from accounts import audit
from webhooks.models import Delivery, DeliveryState, Endpoint
from webhooks.outbox import publish
from webhooks.targets import host_of

GIVES_UP_AFTER = timedelta(hours=24)
"""An endpoint at which every try has failed for so long is switched off."""

GONE = 410
"""The status by which an endpoint asks for no more. Source: Standard Webhooks; RFC 9110 section 15.5.11."""


def note_failure(endpoint: Endpoint, *, status: int | None, now: datetime) -> None:
    """Remember since when the endpoint fails, and switch it off if that is too long or it says that it is gone; inside `atomic()`."""
    Endpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    if status == GONE:
        _disable(endpoint, "It answered 410 Gone.", now)
    elif endpoint.failing_since is not None and endpoint.failing_since <= now - GIVES_UP_AFTER:
        _disable(endpoint, "Every try of a whole day failed.", now)


def note_success(endpoint: Endpoint) -> None:
    """Forget that the endpoint failed."""
    if endpoint.failing_since is not None:
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)


def end_pending(endpoint_id: UUID, *, now: datetime) -> None:
    """Give up what still waits for this endpoint; what is being sent at this moment is not taken back."""
    waiting = Delivery.objects.filter(endpoint_id=endpoint_id, state=DeliveryState.PENDING)
    waiting.update(state=DeliveryState.FAILED, next_attempt_at=None, lease_until=None, slot=None, finished_at=now)


def _disable(endpoint: Endpoint, why: str, now: datetime) -> None:
    enabled = Endpoint.objects.filter(pk=endpoint.pk, is_enabled=True)
    if not enabled.update(is_enabled=False, disabled_at=now, disabled_because=why, version=F("version") + 1):
        return
    end_pending(endpoint.pk, now=now)
    audit.record_of_system(
        action="webhook.disabled",
        object_type="webhook",
        object_id=endpoint.pk,
        tenant_id=endpoint.tenant_id,
        detail={"because": why},
    )
    about = {
        "webhook": {"id": endpoint.pk, "host": host_of(endpoint.url)},
        "message": f"The webhook was switched off. {why}",
    }
    publish(endpoint.tenant_id, "webhook.disabled", lambda: about, at=now)
