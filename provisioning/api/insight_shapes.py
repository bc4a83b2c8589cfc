"""How insight into a database looks in answers: plain dictionaries, by hand, and the examples of the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from provisioning.services.history import Event, History
from provisioning.services.logs import Log


def show_history(history: History) -> dict[str, Any]:
    """Return events and how to go on."""
    return {
        "items": [_show_event(event) for event in history.events],
        "next_before": history.next_before,
        "partial": bool(history.missing_because),
        "partial_reason": history.missing_because or None,
    }


def _show_event(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "source": event.source.value,
        "type": "Warning" if event.is_warning else "Normal",
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "operation": event.operation_id,
    }


def show_log(log: Log) -> dict[str, Any]:
    """Return the lines."""
    return {"pod": log.pod, "container": log.container, "lines": log.lines, "truncated": log.is_truncated}


_EVENT = {
    "at": "2026-01-31T09:30:04.000Z",
    "source": "kubernetes",
    "type": "Normal",
    "reason": "Successful",
    "message": "Successfully provisioned Postgres",
    "count": 1,
    "operation": None,
}
_EVENTS = {"items": [_EVENT], "next_before": None, "partial": False, "partial_reason": None}
_LOG = {
    "pod": "pg-01jk8xw3h6q4r5s7t9v2b0c1de-0",
    "container": "postgres",
    "lines": ["2026-01-31 09:30:03.118 UTC [41] LOG:  database system is ready to accept connections"],
    "truncated": False,
}
EVENTS_EXAMPLE = OpenApiExample("events", value=_EVENTS, response_only=True)
LOG_EXAMPLE = OpenApiExample("log", value=_LOG, response_only=True)
