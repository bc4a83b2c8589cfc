"""What one process asks of one cluster at the most, and when it stops asking one that does not answer.

A cluster in trouble is not helped by thousands of operations that knock at the same time; and who waits for one cluster's answer has no
time for the others'. Both are kept per process and cluster: nothing here is shared, so nothing else stops when one cluster does.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.errors import ClusterBusy, ClusterUnavailable
from provisioning.counters import BREAKER_OPEN, BREAKER_REFUSALS

OPENS_AFTER = 5
"""So many calls in a row without an answer, and the cluster counts as unreachable."""
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(seconds=60)
LONGEST_TURN = timedelta(milliseconds=500)
"""Whoever would have to wait longer for a turn comes back later: a step has better things to do."""


@dataclass(kw_only=True)
class Pace:
    """A token bucket: `burst` calls at once, then `per_second`."""

    per_second: float
    burst: int
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take_turn(self) -> None:
        """Wait for a turn: a few hundredths of a second where one step asks, more where many threads do.

        Raises: ClusterBusy — the turn would come too late.
        """
        wait_seconds = self._reserve()
        if wait_seconds > 0:
            time.sleep(wait_seconds)

    def _reserve(self) -> float:
        """Return how long to wait for the turn that is now this caller's."""
        with self._lock:
            now = SYSTEM_CLOCK.monotonic()
            earliest = max(self._free_at, now - self.burst / self.per_second)
            wait_seconds = earliest + 1 / self.per_second - now
            if wait_seconds > LONGEST_TURN.total_seconds():
                raise ClusterBusy("This process asks the cluster as much as it may.", retry_after=LONGEST_TURN)
            self._free_at = earliest + 1 / self.per_second
            return wait_seconds


@dataclass(kw_only=True)
class Breaker:
    """Open while a cluster does not answer: calls fail at once, but for one now and then that tries."""

    cluster: str = ""
    """Under which name it is counted."""
    _failures: int = 0
    _pause: timedelta = FIRST_PAUSE
    _try_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def require_closed(self) -> None:
        """Let the call through, or refuse it.

        Raises: ClusterUnavailable — the cluster has not answered for a while; says when it is worth coming back.
        """
        with self._lock:
            if self._failures < OPENS_AFTER:
                return
            left_seconds = self._try_at - SYSTEM_CLOCK.monotonic()
            if left_seconds > 0:
                BREAKER_REFUSALS.labels(cluster=self.cluster).inc()
                raise ClusterUnavailable(
                    "The cluster's API has not answered for a while; it is tried again now and then.",
                    retry_after=timedelta(seconds=left_seconds),
                )
            self._postpone()

    def note_answer(self) -> None:
        """Close: the cluster answers, whatever it says."""
        with self._lock:
            self._failures, self._pause = 0, FIRST_PAUSE
            BREAKER_OPEN.labels(cluster=self.cluster).set(0)

    def note_silence(self) -> None:
        """Count a call that got no answer, or one by which the server says that it is broken."""
        with self._lock:
            self._failures += 1
            if self._failures == OPENS_AFTER:
                self._postpone()
            BREAKER_OPEN.labels(cluster=self.cluster).set(self._failures >= OPENS_AFTER)

    def _postpone(self) -> None:
        self._try_at = SYSTEM_CLOCK.monotonic() + self._pause.total_seconds()
        self._pause = min(self._pause * 2, LONGEST_PAUSE)


class Limits:
    """Both, for one cluster: around every call."""

    def __init__(self, *, per_second: float, cluster: str = "") -> None:
        """Allow so many calls a second, and twice as many at once after a pause; `cluster` is its name in /metrics."""
        self.pace = Pace(per_second=per_second, burst=int(2 * per_second))
        self.breaker = Breaker(cluster=cluster)

    @contextmanager
    def around_call(self) -> Iterator[None]:
        """Wait for a turn, and learn from what the call inside this block ends in.

        Raises: ClusterUnavailable, ClusterBusy — the call is not to be made now.
        """
        self.breaker.require_closed()
        self.pace.take_turn()
        try:
            yield
        except ClusterUnavailable:
            self.breaker.note_silence()
            raise
        except (Transient, Permanent):
            self.breaker.note_answer()
            raise
        self.breaker.note_answer()
