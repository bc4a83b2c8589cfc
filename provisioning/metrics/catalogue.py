"""The metrics that every database has, whatever its engine and wherever the numbers come from. Pure; sources fill in the curves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Point = tuple[datetime, float]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One thing that is measured."""

    name: str
    unit: str
    description: str


METRICS = (
    Metric(name="cpu_used_millicores", unit="millicores", description="CPU that all containers use."),
    Metric(name="cpu_limit_millicores", unit="millicores", description="CPU that they may use."),
    Metric(name="memory_used_mib", unit="MiB", description="Memory that all containers use."),
    Metric(name="memory_limit_mib", unit="MiB", description="Memory that they may use."),
    Metric(name="storage_used_gib", unit="GiB", description="What is stored on all volumes."),
    Metric(name="storage_free_gib", unit="GiB", description="What is left on them."),
    Metric(name="storage_total_gib", unit="GiB", description="How large they are."),
    Metric(name="connections", unit="connections", description="Connections of clients to all servers."),
    Metric(name="connections_max", unit="connections", description="Connections that all servers accept together."),
    Metric(name="operations_per_second", unit="1/s", description="Statements, transactions or commands per second."),
    Metric(name="cache_hit_ratio", unit="ratio", description="Part of the reads that memory answered, 0 to 1."),
    Metric(name="replication_lag_seconds", unit="s", description="How far the slowest replica is behind."),
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The points of one metric: of the database as a whole, and of its pods where each has a part of it."""

    points: tuple[Point, ...] = ()
    pods: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


NO_CURVE = Curve()
Curves = Mapping[str, Curve]
"""By the metric's name; one that is missing was not measured."""


def summed(pods: Mapping[str, Iterable[Point]]) -> Curve:
    """Return a curve whose total is the sum of its pods, moment by moment."""
    kept = {pod: tuple(points) for pod, points in sorted(pods.items())}
    totals: dict[datetime, float] = {}
    for points in kept.values():
        for at, value in points:
            totals[at] = totals.get(at, 0.0) + value
    return Curve(points=tuple(sorted(totals.items())), pods=kept)


def difference(whole: Curve, part: Curve) -> Curve:
    """Return what is left of each pod's whole, at the moments at which both were measured."""
    left = {pod: tuple(_less(points, part.pods.get(pod, ()))) for pod, points in whole.pods.items()}
    return summed({pod: points for pod, points in left.items() if points})


def _less(points: Iterable[Point], others: Iterable[Point]) -> Iterable[Point]:
    taken = dict(others)
    return [(at, max(0.0, value - taken[at])) for at, value in points if at in taken]
