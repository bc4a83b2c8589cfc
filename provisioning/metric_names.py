"""What an engine's usual exporter calls the few things that we show of every database: data that `engines/` fill in. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Series:
    """Samples of one name, of those that have labels only the ones that carry these."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MetricNames:
    """Names by what they mean; where there are several they are added up, where there is none the engine does not tell."""

    connections: tuple[Series, ...] = ()
    connections_max: tuple[Series, ...] = ()
    operations: tuple[Series, ...] = ()
    """Counters of what clients ask for: statements, transactions, commands."""
    cache_hits: tuple[Series, ...] = ()
    cache_misses: tuple[Series, ...] = ()
    replication_lag_seconds: tuple[Series, ...] = ()
    """Of these the largest counts."""


def named(*names: str, **labels: str) -> tuple[Series, ...]:
    """Return series of these names, all with these labels."""
    return tuple(Series(name=name, labels=labels) for name in names)
