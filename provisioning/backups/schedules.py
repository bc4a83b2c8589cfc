"""Cron schedules in a customer's time zone, and what they are in UTC, the only time that a cluster's scheduler knows. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from dbaas.core.clock import SYSTEM_CLOCK

_FIELDS = 5
_DAY_MINUTES = 24 * 60
SHORTEST_PAUSE = timedelta(minutes=5)
"""Slots that are closer would run into each other."""


class BadSchedule(ValueError):
    """The text is no schedule that we can keep; the message says why, for the customer, and `field` where."""

    def __init__(self, message: str, *, field: str = "schedule") -> None:
        """Remember which of the two fields is wrong."""
        super().__init__(message)
        self.field = field


def check_schedule(schedule: str, time_zone: str) -> None:
    """Let a schedule pass that can be kept all year round, before and after the zone moves its clocks.

    Raises: BadSchedule.
    """
    if time_zone not in available_timezones():
        raise BadSchedule("must be a name such as Europe/Berlin or UTC.", field="time_zone")
    if len(schedule.split()) != _FIELDS:
        raise BadSchedule("must have five fields: minute, hour, day of month, month, day of week.")
    try:
        first = [slot for slot, _ in zip(_slots(schedule, time_zone, SYSTEM_CLOCK.now()), range(50), strict=False)]
    except CronSimError as error:
        raise BadSchedule(f"is no cron schedule: {error}.") from error
    if any(later - earlier < SHORTEST_PAUSE for earlier, later in pairwise(first)):
        raise BadSchedule("must leave at least 5 minutes between two backups.")
    now = SYSTEM_CLOCK.now()
    for days in range(0, 366, 10):
        in_utc(schedule, time_zone, at=now + timedelta(days=days))


def in_utc(schedule: str, time_zone: str, *, at: datetime | None = None) -> str:
    """Return the schedule in UTC, with the zone's offset at that moment (by default now).

    Raises: BadSchedule — in UTC it would need other days than one schedule can say.
    """
    minute, hour, day, month, weekday = schedule.split()
    offset = (at or SYSTEM_CLOCK.now()).astimezone(ZoneInfo(time_zone)).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    if not minutes or (hour == "*" and minutes % 60 == 0):
        return schedule
    times = [place - minutes for place in _times(minute, hour)]
    shifts = {time // _DAY_MINUTES for time in times}
    if (day, month, weekday) != ("*", "*", "*") and shifts != {0}:
        raise BadSchedule(
            "falls on another day in UTC, where it cannot be said: choose another hour, every day, or UTC."
        )
    hours = sorted({time % _DAY_MINUTES // 60 for time in times})
    at_minutes = sorted({time % 60 for time in times})
    if len(hours) * len(at_minutes) != len(set(times)):
        raise BadSchedule("cannot be said in UTC: choose full hours, or UTC.")
    return f"{','.join(map(str, at_minutes))} {','.join(map(str, hours))} {day} {month} {weekday}"


def slots_between(schedule: str, time_zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Return when the schedule was due after the one moment, up to and including the other, in UTC."""
    return list(takewhile(lambda slot: slot <= until, _slots(schedule, time_zone, after)))


def next_slot(schedule: str, time_zone: str, after: datetime) -> datetime | None:
    """Return when the schedule is due for the first time after that moment, in UTC; None if it never is."""
    return next(_slots(schedule, time_zone, after), None)


def _slots(schedule: str, time_zone: str, after: datetime) -> Iterator[datetime]:
    for slot in CronSim(schedule, after.astimezone(ZoneInfo(time_zone))):
        yield slot.astimezone(UTC)


def _times(minute: str, hour: str) -> list[int]:
    """Return the minutes of the day at which these two fields are due."""
    midnight = datetime(2026, 1, 1, tzinfo=UTC) - timedelta(minutes=1)
    day = CronSim(f"{minute} {hour} * * *", midnight)
    return [slot.hour * 60 + slot.minute for slot in takewhile(lambda slot: slot.day == 1, day)]
