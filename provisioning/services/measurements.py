"""Measure a database for whoever may read it: which source is asked, and what is said where there is nothing to measure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from uuid import UUID

from django.conf import settings

from accounts.actor import Actor
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.registry import gateway_to
from provisioning.engines import all_engines
from provisioning.metric_names import MetricNames
from provisioning.metrics.catalogue import Curves
from provisioning.metrics.present import Target, measure
from provisioning.metrics.prometheus import MetricsUnavailable, Prometheus
from provisioning.metrics.window import Window, window_of
from provisioning.models import Database
from provisioning.selectors import database_of
from provisioning.states import DatabaseState
from provisioning.statuses import status_of

_NOTHING_KNOWN = MetricNames()


class Origin(StrEnum):
    """Where numbers come from."""

    PROMETHEUS = "prometheus"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Curves over a window; one that is missing was not measured, and `note` says why where it is known."""

    origin: Origin
    window: Window
    is_simulated: bool
    note: str = ""
    curves: Curves = field(default_factory=dict)


def read_measurements(
    actor: Actor,
    database_id: UUID,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    step_seconds: int | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Measurements:
    """Return the database's curves: over the window from Prometheus, or at the present moment from the cluster.

    Raises: DatabaseNotFound, InvalidRequest, MetricsUnavailable.
    """
    database = database_of(actor, database_id)
    now = clock.now()
    window = window_of(start=start, end=end, step_seconds=step_seconds, now=now)
    origin = Origin.PROMETHEUS if settings.PROMETHEUS_URL else Origin.CLUSTER
    if note := _nothing_because(database):
        return Measurements(origin=origin, window=window, is_simulated=bool(database.simulated), note=note)
    if origin is Origin.PROMETHEUS:
        return _over_time(database, window)
    return _now(database, now)


def _nothing_because(database: Database) -> str:
    if database.simulated:
        return "The pocket cluster only simulates this database, so there is nothing to measure."
    if not database.is_live:
        return "The database is deleted."
    if status_of(database) == "paused" or database.state == DatabaseState.PAUSED:
        return "The database is paused, so there is nothing to measure."
    return ""


def _names_of(database: Database) -> MetricNames:
    return all_engines()[database.engine].metrics or _NOTHING_KNOWN


def _over_time(database: Database, window: Window) -> Measurements:
    curves = _prometheus(settings.PROMETHEUS_URL).curves(
        namespace=database.namespace, object_name=database.object_name, names=_names_of(database), window=window
    )
    return Measurements(origin=Origin.PROMETHEUS, window=window, is_simulated=False, curves=curves)


@cache
def _prometheus(url: str) -> Prometheus:
    return Prometheus(url)


def _now(database: Database, now: datetime) -> Measurements:
    target = Target(
        database_id=database.id,
        namespace=database.namespace,
        object_name=database.object_name,
        names=_names_of(database),
    )
    try:
        present = measure(gateway_to(database.cluster), target, now=now)
    except (Transient, Permanent) as error:
        raise MetricsUnavailable from error
    note = f"Incomplete: {'; '.join(present.missing)}." if present.missing else ""
    window = Window(start=now, end=now, step_seconds=0)
    return Measurements(origin=Origin.CLUSTER, window=window, is_simulated=False, note=note, curves=present.curves)
