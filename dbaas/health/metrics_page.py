"""docs/metrics.md, made from what is registered: every metric of ours with its kind, its labels and what it means."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import REGISTRY, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from dbaas.api import request_metrics  # noqa: F401 -- what registers metrics only when a request comes
from dbaas.api.rate_limits import limiter  # noqa: F401 -- the same
from dbaas.health.metrics import system_families

PREFIX = "dbaas_"
_HEAD = """# Metrics

Made by `manage.py metrics`; a test fails when it is stale.

`/metrics` of a web process shows all of these, in Prometheus' text format. What is **counted** is each process's own work:
add it up. A worker and a watcher show theirs on `METRICS_PORT`; processes that share `PROMETHEUS_MULTIPROC_DIR` are added
up already. What is **read** comes from the metadata database when it is asked for, and is kept for `METRICS_CACHE_SECONDS`:
every web process says the same, so take the maximum. Labels have few values; where customers could make many (tenants,
databases), only those are shown that matter most. Besides these there are those of django-prometheus and of Python.

What they look like when something is wrong stands in [runbook.md](runbook.md).

| metric | kind | labels | meaning |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, order=True)
class Described:
    """One metric as it is scraped: a counter with its `_total`."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str


def described() -> list[Described]:
    """Return every metric of ours, by name."""
    return sorted({*_counted(), *_read()})


def page() -> str:
    """Return the whole page."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.text} |"
        for metric in described()
    ]
    return _HEAD + "\n".join(rows) + "\n"


def _counted() -> Iterator[Described]:
    for collector in list(REGISTRY._collector_to_names):
        if isinstance(collector, MetricWrapperBase) and collector._name.startswith(PREFIX):
            yield Described(_name_of(collector), _kind_of(collector), collector._labelnames, collector._documentation)


def _name_of(metric: MetricWrapperBase) -> str:
    return metric._name if isinstance(metric, Gauge | Histogram) else f"{metric._name}_total"


def _kind_of(metric: MetricWrapperBase) -> str:
    return f"{metric._type}, counted"


def _read() -> Iterator[Described]:
    for family in system_families():
        yield Described(family.name, "gauge, read", tuple(family._labelnames), family.documentation)
