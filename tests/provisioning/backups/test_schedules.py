"""That a schedule in somebody's time zone is due in UTC at the very moments at which it is due there, all year round."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.backups.schedules import BadSchedule, check_schedule, in_utc, slots_between

WINTER = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)
EVERY_ZONE_OFFSET = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC")


@pytest.mark.parametrize(
    ("schedule", "time_zone", "at", "utc"),
    [
        ("0 2 * * *", "UTC", WINTER, "0 2 * * *"),
        ("0 2 * * *", "Europe/Berlin", WINTER, "0 1 * * *"),
        ("0 2 * * *", "Europe/Berlin", SUMMER, "0 0 * * *"),
        ("30 0 * * *", "Europe/Berlin", SUMMER, "30 22 * * *"),
        ("0 22 * * *", "America/New_York", WINTER, "0 3 * * *"),
        ("0 2,14 * * *", "Asia/Kolkata", WINTER, "30 8,20 * * *"),
        ("15 * * * *", "Europe/Berlin", WINTER, "15 * * * *"),
        ("0 12 * * 1-5", "Europe/Berlin", WINTER, "0 11 * * 1-5"),
        ("0 12 1 * *", "Europe/Berlin", SUMMER, "0 10 1 * *"),
    ],
)
def test_that_a_schedule_is_said_in_utc(schedule: str, time_zone: str, at: datetime, utc: str) -> None:
    assert in_utc(schedule, time_zone, at=at) == utc


@given(
    minute=st.integers(0, 59),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=3),
    time_zone=st.sampled_from(EVERY_ZONE_OFFSET),
    at=st.sampled_from([WINTER, SUMMER]),
)
def test_that_both_are_due_at_the_same_moments(minute: int, hours: set[int], time_zone: str, at: datetime) -> None:
    schedule = f"{minute} {','.join(map(str, sorted(hours)))} * * *"

    there = slots_between(schedule, time_zone, at, at + timedelta(days=3))
    here = slots_between(in_utc(schedule, time_zone, at=at), "UTC", at, at + timedelta(days=3))

    assert there == here
    assert len(here) == 3 * len(hours)


@pytest.mark.parametrize(
    ("schedule", "time_zone"),
    [
        ("0 2 * * *", "UTC"),
        ("*/5 * * * *", "Europe/Berlin"),
        ("0 0 * * *", "Pacific/Kiritimati"),
        ("0 0 29 2 *", "UTC"),
        ("0 12 * * SUN", "Europe/Berlin"),
    ],
)
def test_that_a_schedule_that_can_be_kept_passes(schedule: str, time_zone: str) -> None:
    check_schedule(schedule, time_zone)


@pytest.mark.parametrize(
    ("schedule", "time_zone", "why"),
    [
        ("0 2 * * *", "Mars/Phobos", "must be a name such as"),
        ("0 2 * * *", "", "must be a name such as"),
        ("0 2 * *", "UTC", "five fields"),
        ("0 0 2 * * *", "UTC", "five fields"),
        ("0 25 * * *", "UTC", "no cron schedule"),
        ("a b c d e", "UTC", "no cron schedule"),
        ("* * * * *", "UTC", "at least 5 minutes"),
        ("0,1 2 * * *", "UTC", "at least 5 minutes"),
        ("0 0 * * 1", "Pacific/Kiritimati", "another day in UTC"),
        ("30 0 * * 1", "Europe/London", "another day in UTC"),
        ("0,50 2 * * *", "Asia/Kathmandu", "cannot be said in UTC"),
    ],
)
def test_that_one_that_cannot_be_kept_all_year_says_why(schedule: str, time_zone: str, why: str) -> None:
    with pytest.raises(BadSchedule, match=why) as refused:
        check_schedule(schedule, time_zone)

    assert refused.value.field == ("time_zone" if "name such as" in why else "schedule")


def test_that_slots_begin_after_the_first_moment_and_end_with_the_last() -> None:
    two = datetime(2026, 1, 10, 2, 0, tzinfo=UTC)

    assert slots_between("0 2 * * *", "UTC", two - timedelta(days=1), two) == [two]
    assert slots_between("0 2 * * *", "UTC", two - timedelta(seconds=1), two) == [two]
    assert slots_between("0 2 * * *", "UTC", two, two + timedelta(hours=23)) == []


def test_that_an_hour_that_the_clocks_leave_out_is_still_a_slot_of_its_day() -> None:
    before = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)

    slots = slots_between("30 2 * * *", "Europe/Berlin", before, before + timedelta(days=2))

    assert [slot.date().isoformat() for slot in slots] == ["2026-03-29", "2026-03-30"]
