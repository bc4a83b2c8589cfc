"""Samples, and how the Prometheus text format writes them. Pure; what is measured is decided elsewhere.

Source: prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One number under the name that the engine's usual exporter gives it."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    def with_labels(self, **more: str) -> "Sample":
        """Give the same number with further labels."""
        return Sample(name=self.name, value=self.value, labels={**self.labels, **more})


def written(samples: Iterable[Sample], remarks: Iterable[str] = ()) -> str:
    """Write samples as a page, remarks as comments before them; the lines of one name stand together."""
    by_name: dict[str, list[str]] = {}
    for sample in samples:
        by_name.setdefault(sample.name, []).append(_line(sample))
    lines = [f"# {remark}" for remark in remarks]
    for name, of_name in by_name.items():
        kind = "counter" if name.endswith("_total") or name.startswith("pg_stat_database_") else "gauge"
        lines += [f"# TYPE {name} {kind}", *of_name]
    return "\n".join([*lines, ""])


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{labels}}} {sample.value:.17g}" if labels else f"{sample.name} {sample.value:.17g}"
