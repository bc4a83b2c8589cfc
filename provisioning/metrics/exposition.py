"""Reads a page in the Prometheus text format. Pure.

Source: prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioning.metric_names import Series

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*,?')
_ESCAPED = re.compile(r"\\(.)")
_MEANT = {"n": "\n"}


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One number of a page."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples_in(page: str) -> list[Sample]:
    """Return the numbers of a page; comments, lines that are none, and what is no number are left out."""
    return list(_samples(page))


def _samples(page: str) -> Iterator[Sample]:
    for line in page.splitlines():
        found = None if line.startswith("#") else _LINE.fullmatch(line.strip())
        value = _number(found[3]) if found else None
        if found and value is not None:
            yield Sample(name=found[1], labels=_labels(found[2] or ""), value=value)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _labels(text: str) -> dict[str, str]:
    return {
        name: _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), value) for name, value in _LABEL.findall(text)
    }


def values_of(samples: Iterable[Sample], series: Iterable[Series]) -> list[float]:
    """Return the values of all samples that any of the series names."""
    wanted = tuple(series)
    return [sample.value for sample in samples if any(_fits(sample, one) for one in wanted)]


def _fits(sample: Sample, series: Series) -> bool:
    return sample.name == series.name and series.labels.items() <= sample.labels.items()
