"""Curves of one point, the present moment, read from the cluster: pods, the metrics API, and the page of the database's exporter.

For clusters without a Prometheus. What is only counted becomes a rate when an earlier reading is still in the cache; nobody waits for one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.cache import cache

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import POD, POD_METRICS, SERVICE, Ref
from provisioning.cluster.ownership import DATABASE_ID
from provisioning.engine import Body
from provisioning.metric_names import MetricNames, Series
from provisioning.metrics.catalogue import Curve, Curves, difference, summed
from provisioning.metrics.exposition import Sample, samples_in, values_of
from provisioning.metrics.quantities import quantity

KEPT_FOR = timedelta(minutes=15)
SHORTEST_RATE = timedelta(seconds=1)
_MIB, _GIB = 2**20, 2**30


@dataclass(frozen=True, kw_only=True)
class Target:
    """Which database is measured."""

    database_id: UUID
    namespace: str
    object_name: str
    names: MetricNames


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was counted up to a moment; None where the engine does not tell."""

    at: datetime
    operations: float | None
    hits: float | None
    misses: float | None


@dataclass(frozen=True, kw_only=True)
class Present:
    """The curves, and what could not be read."""

    curves: Curves
    missing: Sequence[str]


def measure(gateway: Gateway, target: Target, *, now: datetime) -> Present:
    """Return what the cluster says now; parts that it does not have are named in `missing`.

    Raises: the cluster's errors — it does not answer at all.
    """
    labels = f"{DATABASE_ID}={target.database_id}"
    pods, _ = gateway.list(POD, namespace=target.namespace, labels=labels)
    curves = _limits(pods, now)
    missing = []
    try:
        usages, _ = gateway.list(POD_METRICS, namespace=target.namespace, labels=labels)
        curves |= _usage(usages, now)
    except (Transient, Permanent):
        missing.append("the cluster's metrics API gives no CPU and memory")
    stats = Ref(kind=SERVICE, name=f"{target.object_name}-stats", namespace=target.namespace)
    try:
        samples = samples_in(gateway.page(stats, port="metrics", path="metrics"))
        curves |= _volumes(samples, now) | _servers(samples, target, now)
    except (Transient, Permanent):
        missing.append("the database's exporter does not answer")
    return Present(curves=curves, missing=missing)


def _limits(pods: Sequence[Body], now: datetime) -> dict[str, Curve]:
    cpu, memory = {}, {}
    for pod in pods:
        name = pod["metadata"]["name"]
        limits = [(one.get("resources") or {}).get("limits") or {} for one in pod["spec"]["containers"]]
        cpu[name] = [(now, 1000 * sum(quantity(limit.get("cpu")) for limit in limits))]
        memory[name] = [(now, sum(quantity(limit.get("memory")) for limit in limits) / _MIB)]
    return {"cpu_limit_millicores": summed(cpu), "memory_limit_mib": summed(memory)}


def _usage(usages: Sequence[Body], now: datetime) -> dict[str, Curve]:
    cpu, memory = {}, {}
    for usage in usages:
        name = usage["metadata"]["name"]
        used = [one.get("usage") or {} for one in usage.get("containers") or ()]
        cpu[name] = [(now, 1000 * sum(quantity(one.get("cpu")) for one in used))]
        memory[name] = [(now, sum(quantity(one.get("memory")) for one in used) / _MIB)]
    return {"cpu_used_millicores": summed(cpu), "memory_used_mib": summed(memory)}


def _volumes(samples: Sequence[Sample], now: datetime) -> dict[str, Curve]:
    """Read volumes where the page tells of them; a real exporter knows nothing of volumes, and the API server has no other place for them."""
    curves = {}
    for name, what in (("storage_used_gib", "used"), ("storage_total_gib", "capacity")):
        of_claims = [sample for sample in samples if sample.name == f"kubelet_volume_stats_{what}_bytes"]
        curves[name] = summed({_pod_of(sample.labels): [(now, sample.value / _GIB)] for sample in of_claims})
    curves["storage_free_gib"] = difference(curves["storage_total_gib"], curves["storage_used_gib"])
    return curves


def _pod_of(labels: Mapping[str, str]) -> str:
    return labels.get("persistentvolumeclaim", "").partition("-")[2]


def _servers(samples: Sequence[Sample], target: Target, now: datetime) -> dict[str, Curve]:
    names = target.names
    lags = values_of(samples, names.replication_lag_seconds)
    reading = Reading(
        at=now,
        operations=_total(samples, names.operations),
        hits=_total(samples, names.cache_hits),
        misses=_total(samples, names.cache_misses),
    )
    found = {
        "connections": _total(samples, names.connections),
        "connections_max": _total(samples, names.connections_max),
        "replication_lag_seconds": max(lags, default=None),
        **_rates(_earlier(target.database_id, reading), reading),
    }
    return {name: Curve(points=((now, value),)) for name, value in found.items() if value is not None}


def _total(samples: Sequence[Sample], series: Iterable[Series]) -> float | None:
    values = values_of(samples, series)
    return sum(values) if values else None


def _earlier(database_id: UUID, reading: Reading) -> Reading | None:
    """Return the reading before this one, and keep this one in its place unless they are too close to each other."""
    key = f"metrics:{database_id}"
    kept = cache.get(key)
    earlier = Reading(**kept) if kept else None
    if earlier is None or reading.at - earlier.at >= SHORTEST_RATE:
        cache.set(key, asdict(reading), timeout=KEPT_FOR.total_seconds())
    return earlier


def _rates(earlier: Reading | None, reading: Reading) -> dict[str, float | None]:
    if earlier is None or reading.at - earlier.at < SHORTEST_RATE:
        return {}
    seconds = (reading.at - earlier.at).total_seconds()
    operations = _risen(earlier.operations, reading.operations)
    hits, misses = _risen(earlier.hits, reading.hits), _risen(earlier.misses, reading.misses)
    rates: dict[str, float | None] = {"operations_per_second": None if operations is None else operations / seconds}
    if hits is not None and misses is not None and hits + misses > 0:
        rates["cache_hit_ratio"] = hits / (hits + misses)
    return rates


def _risen(before: float | None, after: float | None) -> float | None:
    """Return by how much a counter rose; None where one is missing, or it began anew because a server was restarted."""
    return None if before is None or after is None or after < before else after - before
