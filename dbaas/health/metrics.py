"""/metrics: what the processes of this machine counted, and what applications read from the database at that moment."""

import os
import platform
from collections.abc import Iterator

import django
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from dbaas.health.build import version
from dbaas.health.checks import error_of

_system = CollectorRegistry()
BUILD = ("version", "python", "django")


class Build(Collector):
    """Which build answers."""

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge without its sample."""
        yield GaugeMetricFamily("dbaas_build_info", "Which build answers; always 1.", labels=BUILD)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge that is always 1."""
        (family,) = self.describe()
        family.add_metric([version(), platform.python_version(), django.get_version()], 1)
        yield family


_system.register(Build())


def register_collector(collector: Collector) -> None:
    """Add what is read when metrics are asked for; applications do so when they are ready."""
    _system.register(collector)


def system_families() -> Iterator[GaugeMetricFamily]:
    """Yield what applications added and can describe, without samples; asks no database."""
    for collector in list(_system._collector_to_names):
        describe = getattr(collector, "describe", None)
        yield from describe() if describe else ()


@require_safe
@never_cache
def metrics(_request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus's text format; while the database is away, the counters alone."""
    parts = [generate_latest(counted())]
    error_of(lambda: parts.append(generate_latest(_system)), "metrics")
    return HttpResponse(b"".join(parts), content_type=CONTENT_TYPE_LATEST)


def counted() -> CollectorRegistry:
    """Return this process's counters or, where PROMETHEUS_MULTIPROC_DIR is set, those of every process that shares it."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library types most of itself
    return registry
