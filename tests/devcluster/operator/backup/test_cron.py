"""Which moments a cron expression names."""

from datetime import UTC, datetime

import pytest

from devcluster.operator.backup.cron import Cron, CronError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "moment", "following"),
    [
        ("0 2 * * *", "2026-01-01T02:00", "2026-01-02T02:00"),
        ("*/15 * * * *", "2026-01-01T02:01", "2026-01-01T02:15"),
        ("5/20 * * * *", "2026-01-01T02:26", "2026-01-01T02:45"),
        ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29T00:00"),
        ("0 0 29 2 *", "2097-01-01T00:00", "2104-02-29T00:00"),
        ("0 0 13 * fri", "2026-01-01T00:00", "2026-01-02T00:00"),
        ("0 0 * * 7", "2026-01-01T00:00", "2026-01-04T00:00"),
        ("0 9-17/4 * jan-mar mon,wed", "2026-01-01T00:00", "2026-01-05T09:00"),
        ("@weekly", "2026-01-01T00:00", "2026-01-04T00:00"),
        ("CRON_TZ=Asia/Kolkata 30 2 * * *", "2026-01-01T00:00", "2026-01-01T21:00"),
        ("TZ=Europe/Berlin 0 2 * * *", "2026-06-30T23:30", "2026-07-01T00:00"),
        ("TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00", "2026-03-30T00:30"),
        ("TZ=Europe/Berlin 30 2 * * *", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("TZ=Europe/Berlin 30 * * * *", "2026-10-25T00:30", "2026-10-25T01:30"),
    ],
)
def test_that_the_next_slot_and_its_predecessor_are_found(expression: str, moment: str, following: str) -> None:
    cron = Cron(expression)

    found = cron.after(at(moment))

    assert found == at(following)
    assert cron.at_or_before(at(following)) == at(following)


def test_that_a_day_that_never_comes_has_no_slot() -> None:
    cron = Cron("0 0 30 2 *")

    assert cron.after(at("2026-01-01T00:00")) is None
    assert cron.at_or_before(at("2026-01-01T00:00")) is None


@pytest.mark.parametrize(
    "expression",
    ["", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "x * * * *", "*/0 * * * *", "TZ=No/Where * * * * *"],
)
def test_that_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(CronError):
        Cron(expression)
