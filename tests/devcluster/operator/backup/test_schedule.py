"""Which slots are run, which were missed, and how a run is named."""

from datetime import UTC, datetime
from typing import Any

from devcluster.operator.backup import schedule
from devcluster.operator.backup.bodies import fitting_name, session_name
from devcluster.operator.backup.cron import Cron

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


def known(following: str, expression: str = "* * * * *") -> dict[str, Any]:
    condition = {"type": schedule.ENSURED, "message": schedule.noted(expression)}
    return {"nextSchedule": following, "conditions": [condition]}


def test_that_only_the_last_slot_is_caught_up_and_the_others_are_missed() -> None:
    slots = schedule.look(known("2026-01-01T11:58:00Z"), Cron("* * * * *"), 600, now=NOW, idle=False)

    assert slots.due == datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    assert [slot.minute for slot in slots.missed] == [59, 58]
    assert slots.upcoming == datetime(2026, 1, 1, 12, 1, tzinfo=UTC)


def test_that_a_slot_beyond_the_deadline_is_missed_and_a_year_away_costs_ten_events() -> None:
    late = schedule.look(known("2026-01-01T11:00:00Z", "0 11 * * *"), Cron("0 11 * * *"), 600, now=NOW, idle=False)
    away = schedule.look(known("2025-01-01T00:00:00Z"), Cron("* * * * *"), 10, now=NOW, idle=False)

    assert (late.due, late.missed) == (None, [datetime(2026, 1, 1, 11, tzinfo=UTC)])
    assert away.due is None
    assert len(away.missed) == schedule.MOST_MISSED


def test_that_a_changed_or_an_idle_schedule_starts_afresh() -> None:
    changed = schedule.look(known("2026-01-01T11:58:00Z", "0 0 * * *"), Cron("* * * * *"), 600, now=NOW, idle=False)
    idle = schedule.look(known("2026-01-01T11:58:00Z"), Cron("* * * * *"), 600, now=NOW, idle=True)

    assert (changed.due, changed.missed) == (None, [])
    assert changed.upcoming == datetime(2026, 1, 1, 12, 1, tzinfo=UTC)
    assert (idle.due, idle.missed, idle.upcoming) == (None, [], None)


def test_that_long_names_stay_different_and_short_enough() -> None:
    base = "x" * 60

    names = {session_name(base + end, "scheduled", 1767225600) for end in "ab"}
    names |= {fitting_name(base, "session", end) for end in "ab"}

    assert len(names) == 4
    assert all(len(name) <= 63 for name in names)
    assert session_name("orders", "daily", 1767225600) == "orders-daily-1767225600"
