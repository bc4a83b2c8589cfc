"""Time and identifiers of a simulated world: moved only by the scheduler, the same in every run of a seed."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock

from greenlet import getcurrent

from dbaas.core import ids
from dbaas.core.clock import SYSTEM_CLOCK
from tests.proof.simulation.agents import Agent

BEGINNING = datetime(2026, 1, 31, 12, tzinfo=UTC)


class SimulatedClock:
    """One true time, and what each agent's machine takes for it: NTP keeps them within half the skew that the product allows for."""

    def __init__(self, at: datetime = BEGINNING) -> None:
        self.true = at
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return what the clock of whoever asks shows; it may go back when that clock is corrected."""
        agent = getcurrent()
        shown = self.true + agent.skew if isinstance(agent, Agent) else self.true
        return shown.replace(microsecond=shown.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        """Return seconds since the beginning; they never go back."""
        return self._seconds

    def forward(self, span: timedelta) -> None:
        """Let time pass for everybody."""
        self.true += span
        self._seconds += span.total_seconds()

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch, as `time.time_ns` does."""
        return int(self.true.timestamp() * 1000) * 1_000_000


class _Bits:
    """In place of `secrets`: bits that a seed decides."""

    def __init__(self, chance: random.Random) -> None:
        self.randbits = chance.getrandbits


@contextmanager
def time_and_ids(clock: SimulatedClock, chance: random.Random) -> Iterator[None]:
    """Let the process run on this clock, and make its identifiers from this chance."""
    with ExitStack() as stack:
        stack.enter_context(SYSTEM_CLOCK.replaced_by(clock))
        stack.enter_context(mock.patch.object(ids, "time", clock))
        stack.enter_context(mock.patch.object(ids, "secrets", _Bits(chance)))
        yield
