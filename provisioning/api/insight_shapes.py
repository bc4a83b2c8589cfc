"""How insight into a database looks in answers: plain dictionaries, by hand, and the examples of the OpenAPI document."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drf_spectacular.utils import OpenApiExample

from provisioning.metrics.catalogue import METRICS, NO_CURVE, Curve, Metric, Point
from provisioning.services.history import Event, History
from provisioning.services.logs import Log
from provisioning.services.measurements import Measurements


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
        "id": event.id,
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


def show_measurements(measured: Measurements) -> dict[str, Any]:
    """Return every metric, those without points too, so that a client always finds all of them."""
    return {
        "source": measured.origin.value,
        "from": measured.window.start,
        "to": measured.window.end,
        "step_seconds": measured.window.step_seconds,
        "simulated": measured.is_simulated,
        "note": measured.note or None,
        "metrics": [_show_metric(metric, measured.curves.get(metric.name, NO_CURVE)) for metric in METRICS],
    }


def _show_metric(metric: Metric, curve: Curve) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "description": metric.description,
        "points": _show_points(curve.points),
        "pods": [{"pod": pod, "points": _show_points(points)} for pod, points in curve.pods.items()],
    }


def _show_points(points: Sequence[Point]) -> list[tuple[datetime, float]]:
    return [(at, round(value, 6)) for at, value in points]


_EVENT = {
    "id": "01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90",
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
_POINTS = [["2026-01-31T09:30:00.000Z", 142.5]]
_METRICS = {
    "source": "cluster",
    "from": "2026-01-31T09:30:00.000Z",
    "to": "2026-01-31T09:30:00.000Z",
    "step_seconds": 0,
    "simulated": False,
    "note": None,
    "metrics": [
        {
            "name": "cpu_used_millicores",
            "unit": "millicores",
            "description": "CPU that all containers use.",
            "points": _POINTS,
            "pods": [{"pod": "pg-01jk8xw3h6q4r5s7t9v2b0c1de-0", "points": _POINTS}],
        }
    ],
}
METRICS_EXAMPLE = OpenApiExample("metrics", value=_METRICS, response_only=True)
EVENTS_EXAMPLE = OpenApiExample("events", value=_EVENTS, response_only=True)
LOG_EXAMPLE = OpenApiExample("log", value=_LOG, response_only=True)
