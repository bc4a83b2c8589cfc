"""What /metrics shows at a moment, as series that a rule can be evaluated on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from tests.cast import Api

Labels = tuple[tuple[str, str], ...]
_RISES = frozenset({"counter", "histogram"})


@dataclass(frozen=True)
class Series:
    """One name with its labels."""

    name: str
    labels: Labels
    rises: bool
    """Whether its value counts up for ever."""

    def __str__(self) -> str:
        inside = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{inside}}}"


@dataclass(frozen=True)
class Scrape:
    """All series with their values, and the labels of every metric that was described, with or without samples."""

    values: Mapping[Series, float]
    names: frozenset[str] = field(default_factory=frozenset)

    def of(self, names: Iterable[str]) -> dict[Series, float]:
        """Return the series of these names only."""
        wanted = set(names)
        return {series: value for series, value in self.values.items() if series.name in wanted}


NOTHING = Scrape(values={})


def scrape(api: Api) -> Scrape:
    """Ask a running copy."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    return parsed(answer.content.decode())


def parsed(page: str) -> Scrape:
    """Return what a page in Prometheus' text format says."""
    values: dict[Series, float] = {}
    names: set[str] = set()
    for family in text_string_to_metric_families(page):
        names.add(family.name)
        for sample in family.samples:
            series = Series(sample.name, tuple(sorted(sample.labels.items())), rises=family.type in _RISES)
            values[series] = sample.value
            names.add(sample.name)
    return Scrape(values=values, names=frozenset(names))


def up(*, job: str, instance: str, is_reached: bool) -> Scrape:
    """Return what Prometheus itself notes of a target that it scrapes."""
    series = Series("up", (("instance", instance), ("job", job)), rises=False)
    return Scrape(values={series: float(is_reached)}, names=frozenset({"up"}))
