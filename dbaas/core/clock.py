"""The one place that knows what time it is, so that tests and the simulation can bring their own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tell the time; replaced by a clock that stands still wherever time itself is under test."""

    def now(self) -> datetime:
        """Return the present moment, in UTC, aware, cut to the millisecond (MongoDB keeps no more)."""
        ...

    def monotonic(self) -> float:
        """Return seconds by a clock that never jumps; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock, unless a simulation runs on another one."""

    def __init__(self) -> None:
        self._stand_in: Clock | None = None

    def now(self) -> datetime:
        """Return the present moment, in UTC, cut to the millisecond."""
        if self._stand_in is not None:
            return self._stand_in.now()
        moment = datetime.now(tz=UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Return seconds since some moment."""
        return self._stand_in.monotonic() if self._stand_in is not None else time.monotonic()

    @contextmanager
    def replaced_by(self, clock: Clock) -> Iterator[None]:
        """Let the whole process run on another clock inside this block."""
        before, self._stand_in = self._stand_in, clock
        try:
            yield
        finally:
            self._stand_in = before


SYSTEM_CLOCK = SystemClock()
