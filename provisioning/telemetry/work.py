"""Whether work gets done: what moves, what is stuck, what is overdue, who was seen working, what does not fit."""

import math
from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count

from dbaas.health.readings import Reading, Samples, single
from provisioning.dispatching import oldest_due_age
from provisioning.heartbeats import DISPATCHER, WORKER, watcher_of
from provisioning.models import Cluster, Finding, Heartbeat, Operation
from provisioning.states import MOVING, OperationState

_WHAT = ("leaked", "foreign", "missing", "drifted", "quota")
_UNFINISHED = [str(state) for state in (*MOVING, OperationState.STUCK)]


def _oldest_due(now: datetime) -> float:
    return oldest_due_age(now=now).total_seconds()


def _operations(_now: datetime) -> Samples:
    rows = Operation.objects.filter(state__in=_UNFINISHED).values_list("kind", "database__engine", "state")
    counted = rows.annotate(number=Count("id")).order_by()
    return [((kind, engine, state), float(number)) for kind, engine, state, number in counted]


def _oldest_stuck(now: datetime) -> float:
    stuck = Operation.objects.filter(state=OperationState.STUCK).order_by("created_at")
    oldest = stuck.values_list("created_at", flat=True).first()
    return (now - oldest).total_seconds() if oldest else 0.0


def _findings(_now: datetime) -> Samples:
    counted = Finding.objects.filter(closed_at=None).values_list("what").annotate(number=Count("id")).order_by()
    found = dict.fromkeys(_WHAT, 0) | dict(counted)
    return [((what,), float(number)) for what, number in found.items()]


def _heartbeats(now: datetime) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yield the age of everything that should beat; what never did is infinitely old, what is no longer registered is left out."""
    beats = dict(Heartbeat.objects.values_list("name", "beat_at"))
    for name in (DISPATCHER, WORKER, *map(watcher_of, Cluster.objects.order_by("name"))):
        yield (name,), (now - beats[name]).total_seconds() if name in beats else math.inf


WORK = (
    Reading(
        name="dbaas_oldest_due_seconds",
        text="For how long the most overdue operation has waited for a worker.",
        read=single(_oldest_due),
    ),
    Reading(
        name="dbaas_operations",
        text="Operations that have not ended; no sample where there is none.",
        labels=("kind", "engine", "state"),
        read=_operations,
    ),
    Reading(
        name="dbaas_oldest_stuck_seconds",
        text="For how long the oldest operation that is stuck has been under way; 0 where none is stuck.",
        read=single(_oldest_stuck),
    ),
    Reading(
        name="dbaas_findings_open",
        text="What does not fit between ledger and clusters, or between quota and use.",
        labels=("what",),
        read=_findings,
    ),
    Reading(
        name="dbaas_heartbeat_age_seconds",
        text="How long ago each part last did its work; +Inf if it never did.",
        labels=("name",),
        read=_heartbeats,
    ),
)
