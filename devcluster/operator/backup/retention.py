"""Chooses the snapshots that a retention policy lets go: pure. The last good one always stays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from devcluster.operator.backup.durations import parse_duration
from devcluster.operator.kube import Body

PERIODS: dict[str, Callable[[datetime], object]] = {
    "hourly": lambda moment: (moment.date(), moment.hour),
    "daily": lambda moment: moment.date(),
    "weekly": lambda moment: moment.isocalendar()[:2],
    "monthly": lambda moment: (moment.year, moment.month),
    "yearly": lambda moment: moment.year,
}


@dataclass(frozen=True, kw_only=True)
class Aged:
    """A snapshot, as far as its age matters."""

    name: str
    at: datetime
    good: bool


def surplus(snapshots: Sequence[Aged], policy: Body, *, now: datetime) -> list[str]:
    """Give the names of those to remove, the oldest first."""
    newest_first = sorted(snapshots, key=lambda one: (one.at, one.name), reverse=True)
    good = [one for one in newest_first if one.good]
    bad = [one for one in newest_first if not one.good]
    kept = _kept(good, policy.get("successfulSnapshots") or {})
    kept |= {one.name for one in bad[: int((policy.get("failedSnapshots") or {}).get("last", 1))]}
    if policy.get("maxRetentionPeriod"):
        oldest = now - _period(policy["maxRetentionPeriod"])
        kept -= {one.name for one in newest_first if one.at < oldest}
    kept |= {one.name for one in good[:1]}
    return [one.name for one in reversed(newest_first) if one.name not in kept]


def _kept(good: Sequence[Aged], rules: Body) -> set[str]:
    """Every rule keeps some, and all of them together are kept; without a rule all are."""
    if not any(rules.get(name) for name in ("last", *PERIODS)):
        return {one.name for one in good}
    kept = {one.name for one in good[: int(rules.get("last") or 0)]}
    for name, period_of in PERIODS.items():
        newest: dict[object, str] = {}
        for one in good:
            newest.setdefault(period_of(one.at), one.name)
        kept |= set(list(newest.values())[: int(rules.get(name) or 0)])
    return kept


def _period(text: str) -> timedelta:
    return parse_duration(text)
