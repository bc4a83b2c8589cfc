"""Works out the moments that a five-field cron expression names, in its own time zone: pure, and nothing waits here."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FARTHEST_DAYS = 366 * 8 + 2
"""The rarest day there is, the 29th of February, is eight years away around a century's end."""
SUNDAY_TOO = 7


class CronError(ValueError):
    """The expression is none."""


class Cron:
    """One expression."""

    def __init__(self, expression: str) -> None:
        """Read the expression; `CRON_TZ=Zone` or `TZ=Zone` may stand in front. Raises: CronError."""
        self.text = expression
        words = expression.split()
        self._zone: ZoneInfo | None = None
        if words and words[0].startswith(("CRON_TZ=", "TZ=")):
            self._zone = _zone(words.pop(0).partition("=")[2])
        if len(words) == 1 and words[0].lower() in MACROS:
            words = MACROS[words[0].lower()].split()
        if len(words) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
            raise CronError(f"schedule {expression!r} must have five fields")
        self._minutes = _field(words[0], 0, 59)
        self._hours = _field(words[1], 0, 23)
        self._days = _field(words[2], 1, 31)
        self._months = _field(words[3], 1, 12, MONTHS, first_name=1)
        self._weekdays = {day % SUNDAY_TOO for day in _field(words[4], 0, SUNDAY_TOO, DAYS)}
        self._any_day, self._any_weekday = words[2][0] in "*?", words[4][0] in "*?"
        self._every_hour = words[1][0] == "*"

    def after(self, moment: datetime) -> datetime | None:
        """Give the first slot after a moment; None when there never is one."""
        start = self._local(moment).date() - timedelta(days=1)
        for distance in range(FARTHEST_DAYS):
            for slot in self._slots(start + timedelta(days=distance)):
                if slot > moment:
                    return slot
        return None

    def at_or_before(self, moment: datetime) -> datetime | None:
        """Give the last slot that is not after a moment; None when there never was one."""
        start = self._local(moment).date() + timedelta(days=1)
        for distance in range(FARTHEST_DAYS):
            for slot in reversed(list(self._slots(start - timedelta(days=distance)))):
                if slot <= moment:
                    return slot
        return None

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone or UTC)

    def _slots(self, day: date) -> Iterator[datetime]:
        """Give the slots of a local day in order."""
        if day.month not in self._months or not self._fits(day):
            return
        found: set[datetime] = set()
        for hour in self._hours:
            for minute in self._minutes:
                found.update(self._moments(datetime.combine(day, time(hour, minute))))
        yield from sorted(found)

    def _moments(self, wall: datetime) -> Iterator[datetime]:
        """Give when a clock on the wall shows a time: never, once, or twice, of which fixed hours take the first."""
        if self._zone is None:
            yield wall.replace(tzinfo=UTC)
            return
        for fold in (0, 1) if self._every_hour else (0,):
            moment = wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
            if moment.astimezone(self._zone).replace(tzinfo=None, fold=0) == wall:
                yield moment

    def _fits(self, day: date) -> bool:
        by_day, by_weekday = day.day in self._days, day.isoweekday() % SUNDAY_TOO in self._weekdays
        if self._any_day or self._any_weekday:
            return by_day and by_weekday
        return by_day or by_weekday


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise CronError(f"time zone {name!r} is not known") from error


def _field(text: str, low: int, high: int, names: tuple[str, ...] = (), *, first_name: int = 0) -> set[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, 1, high, text) if "/" in part else 1
        if span in {"*", "?"}:
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _value(start, low, high, names, first_name, text)
            last = _value(end, low, high, names, first_name, text) if dash else high if "/" in part else first
        if first > last:
            raise CronError(f"in schedule field {text!r} a range runs backwards")
        found.update(range(first, last + 1, step))
    return found


def _value(word: str, low: int, high: int, names: tuple[str, ...], first_name: int, text: str) -> int:
    return names.index(word) + first_name if word in names else _number(word, low, high, text)


def _number(word: str, low: int, high: int, text: str) -> int:
    if not word.isdecimal() or not low <= int(word) <= high:
        raise CronError(f"schedule field {text!r} is not between {low} and {high}")
    return int(word)
