"""Write down what is to be told, in the transaction in which it happened. Costs one query where nobody wants to know."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from dbaas.core.ids import uuid7
from webhooks.catalogue import matches
from webhooks.models import Delivery, Endpoint, Event


def publish(
    tenant_id: UUID,
    kind: str,
    content: Callable[[], Mapping[str, Any]],
    *,
    at: datetime,
    event_id: UUID | None = None,
) -> None:
    """Tell every enabled webhook of the tenant whose filters let `kind` through; must be called inside `atomic()` with the change itself.

    `content` is asked for only if somebody wants to know, and must hold no secret. `event_id` is the id that the event has elsewhere.
    """
    listening = Endpoint.objects.filter(tenant_id=tenant_id, is_enabled=True).values_list("id", "events")
    wanted = [endpoint_id for endpoint_id, chosen in listening if matches(chosen, kind)]
    if wanted:
        event = write_event(tenant_id, kind, content(), at=at, event_id=event_id)
        Delivery.objects.bulk_create(new_delivery(endpoint_id, event, at) for endpoint_id in wanted)


def write_event(
    tenant_id: UUID, kind: str, content: Mapping[str, Any], *, at: datetime, event_id: UUID | None = None
) -> Event:
    """Store the message that will be signed and sent; inside the caller's transaction."""
    identifier = event_id or uuid7()
    body = {"id": identifier, "type": kind, "timestamp": _as_text(at), "tenant": tenant_id, "data": content}
    text = orjson.dumps(body).decode()
    return Event.objects.create(id=identifier, tenant_id=tenant_id, kind=kind, body=text, at=at)


def new_delivery(endpoint_id: UUID, event: Event, now: datetime) -> Delivery:
    """Return the row that says that the event is due for this endpoint, not yet saved."""
    return Delivery(endpoint_id=endpoint_id, event=event, next_attempt_at=now, created_at=now)


def _as_text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
