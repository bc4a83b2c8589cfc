"""The one place that knows what time it is, so that tests and the simulation can bring their own."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time; replaced by a clock that stands still wherever time itself is under test."""

    def now(self) -> datetime:
        """Return the present moment, in UTC, aware, cut to the millisecond (MongoDB keeps no more)."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the present moment, in UTC, cut to the millisecond."""
        moment = datetime.now(tz=UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


SYSTEM_CLOCK = SystemClock()
