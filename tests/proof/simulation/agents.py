"""Whoever acts in a simulated world: real code in a greenlet of its own, which stops at every place where it could be interrupted.

The scheduler decides what becomes of it there: it goes on, it is left standing (frozen), or it dies. A dead process runs nothing more, so
every further stop of a dying agent dies again.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from greenlet import getcurrent, greenlet

from dbaas.core.crash import CrashPointReached


class Fate(StrEnum):
    """What becomes of an agent at a stop; all but the first three only of a call to the cluster."""

    GOES_ON = "goes on"
    BUSY = "answered 429"
    BROKEN = "answered 500"
    LOST = "request lost"
    ANSWER_LOST = "answer lost"
    DELAYED = "request delayed"


class Agent(greenlet):
    """One process, or one request, of the product."""

    def __init__(self, role: str, name: str, action: Callable[[], object], *, skew: timedelta = timedelta()) -> None:
        super().__init__(self._live)
        self.role = role
        self.name = name
        self.skew = skew
        self.at = "the beginning"
        self.is_calling = False
        """At a call to the cluster, which can fail in more ways."""
        self.is_writing = False
        """At a call that changes something."""
        self.is_frozen = False
        self.dies_in: int | None = None
        """How many more statements of a transaction it lives through."""
        self.operation_id: UUID | None = None
        self.claimed_at: float | None = None
        self.wake_seq: int | None = None
        self.broke_with: Exception | None = None
        self.was_killed = False
        self._action = action
        self._is_dying = False

    def go_on(self, fate: Fate = Fate.GOES_ON) -> None:
        """Let it run to its next stop, or its end; called by the scheduler only."""
        self.switch(fate)

    def kill(self) -> None:
        """End it where it stands."""
        self._is_dying = self.was_killed = True
        if self:
            self.throw(CrashPointReached())
        elif not self.dead:
            self.throw()  # it never began

    def stop(self, at: str, *, is_calling: bool = False, is_writing: bool = False) -> Fate:
        """Stop here and learn one's fate; called by the agent itself."""
        if self._is_dying:
            raise CrashPointReached
        self.at, self.is_calling, self.is_writing = at, is_calling, is_writing
        assert self.parent is not None
        fate = self.parent.switch()
        self.is_calling = self.is_writing = False
        return Fate(fate)

    def risk(self, at: str) -> None:
        """Pass a place where it may die but cannot be left standing: inside a transaction."""
        if self._is_dying:
            raise CrashPointReached
        if self.dies_in is None:
            return
        self.dies_in -= 1
        if self.dies_in < 0:
            self.at, self._is_dying = at, True
            raise CrashPointReached

    def _live(self, _fate: Fate = Fate.GOES_ON) -> None:
        try:
            self._action()
        except CrashPointReached:
            self.was_killed = True
        except Exception as error:  # noqa: BLE001 -- the world judges whether it was foreseen
            self.broke_with = error


def acting() -> Agent | None:
    """Return the agent whose code runs now; None where it is the scheduler's."""
    now = getcurrent()
    return now if isinstance(now, Agent) else None
