"""How webhooks and deliveries look in answers: plain dictionaries, by hand."""

from collections.abc import Iterable
from typing import Any

import orjson

from dbaas.api.etag import etag_of
from webhooks.models import Attempt, Delivery, Endpoint


def show_webhook(endpoint: Endpoint) -> dict[str, Any]:
    """Return a webhook, without its secret."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.is_enabled,
        "disabled_at": endpoint.disabled_at,
        "disabled_because": endpoint.disabled_because,
        "failing_since": endpoint.failing_since,
        "old_secret_until": endpoint.old_secret_until,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "etag": etag_of(endpoint.id, endpoint.version),
    }


def show_delivery(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery; the event must have been read along."""
    return {
        "id": delivery.id,
        "event": delivery.event_id,
        "type": delivery.event.kind,
        "state": str(delivery.state),
        "tries": delivery.tries,
        "last_status": delivery.last_status,
        "next_attempt_at": delivery.next_attempt_at,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
    }


def show_delivery_whole(delivery: Delivery, attempts: Iterable[Attempt]) -> dict[str, Any]:
    """Return a delivery with what is sent and every try."""
    tried = [_show_attempt(attempt) for attempt in attempts]
    return {**show_delivery(delivery), "payload": orjson.loads(delivery.event.body), "attempts": tried}


def _show_attempt(attempt: Attempt) -> dict[str, Any]:
    names = ("number", "at", "duration_ms", "outcome", "status", "detail")
    return {name: getattr(attempt, name) for name in names}
