"""Which snapshots a retention policy lets go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devcluster.operator.backup.retention import Aged, surplus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def aged(hours: int, *, good: bool = True) -> Aged:
    return Aged(name=f"{'good' if good else 'bad'}-{hours}", at=NOW - timedelta(hours=hours), good=good)


@pytest.mark.parametrize(
    ("policy", "hours", "kept"),
    [
        ({"successfulSnapshots": {"last": 2}}, [1, 2, 3], {1, 2}),
        ({"successfulSnapshots": {"daily": 2}}, [1, 2, 14, 20, 40], {1, 14}),
        ({"successfulSnapshots": {"last": 1, "weekly": 2}}, [1, 2, 30, 24 * 8, 24 * 16], {1, 24 * 8}),
        ({"successfulSnapshots": {"hourly": 1, "monthly": 3, "yearly": 1}}, [1, 2, 800, 1600], {1, 800, 1600}),
        ({"maxRetentionPeriod": "2d"}, [1, 40, 60], {1, 40}),
        ({"maxRetentionPeriod": "1d"}, [50, 60], {50}),
        ({"maxRetentionPeriod": "1d", "successfulSnapshots": {"last": 3}}, [1, 50], {1}),
        ({}, [1, 10000], {1, 10000}),
    ],
)
def test_that_a_policy_keeps_what_it_says_and_always_the_last(
    policy: dict[str, Any], hours: list[int], kept: set[int]
) -> None:
    removed = surplus([aged(one) for one in hours], policy, now=NOW)

    assert set(removed) == {f"good-{one}" for one in hours if one not in kept}


def test_that_failed_ones_are_counted_apart_and_never_replace_the_last_good_one() -> None:
    snapshots = [aged(9), aged(1, good=False), aged(2, good=False), aged(3, good=False)]

    removed = surplus(snapshots, {"successfulSnapshots": {"last": 1}, "failedSnapshots": {"last": 2}}, now=NOW)

    assert removed == ["bad-3"]
