"""Gauges that are read from the metadata database when /metrics is asked for: the same whichever process answers, so never added up.

What it costs is bounded twice: each reading is a query or two with a limit, and an answer is kept for METRICS_CACHE_SECONDS.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dbaas.core.clock import SYSTEM_CLOCK, Clock

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of the labels, in their order, with the number."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One gauge: what it is called, and how its samples are read at a moment."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    read: Callable[[datetime], Samples]

    def family(self, samples: Samples = ()) -> GaugeMetricFamily:
        """Return the gauge with these samples."""
        family = GaugeMetricFamily(self.name, self.text, labels=self.labels)
        for values, number in samples:
            family.add_metric(values, number)
        return family


def single(number: Callable[[datetime], float]) -> Callable[[datetime], Samples]:
    """Return how a gauge without labels is read, given how its number is."""
    return lambda now: [((), number(now))]


class Readings(Collector):
    """Some gauges of one application."""

    def __init__(self, readings: Sequence[Reading], *, keep_factor: int = 1, clock: Clock = SYSTEM_CLOCK) -> None:
        """Remember what to read; what changes slowly and costs more is kept `keep_factor` times as long."""
        self._readings = readings
        self._keep_factor = keep_factor
        self._clock = clock
        self._kept: list[Metric] = []
        self._kept_until = 0.0

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Yield every gauge without samples: names, texts and labels are known without a database."""
        for reading in self._readings:
            yield reading.family()

    def collect(self) -> Iterator[Metric]:
        """Yield what the database says, or said a few seconds ago."""
        if self._clock.monotonic() >= self._kept_until:
            now = self._clock.now()
            self._kept = [reading.family(reading.read(now)) for reading in self._readings]
            self._kept_until = self._clock.monotonic() + settings.METRICS_CACHE_SECONDS * self._keep_factor
        yield from self._kept
