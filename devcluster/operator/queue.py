"""A work queue: every key is worked on by one task at a time, and again if it was added meanwhile.

It keeps nothing over a restart and needs nothing: what is due is found by listing again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.25
LAST_RETRY_SECONDS = 30.0
KeyT = TypeVar("KeyT", bound=Hashable)


class WorkQueue(Generic[KeyT]):
    """Calls `work` for every key added; what it returns is the pause until the next call, None for none."""

    def __init__(
        self, work: Callable[[KeyT], Awaitable[float | None]], *, expected: tuple[type[Exception], ...]
    ) -> None:
        """`expected` failures are outside of us and logged in one line; any other is our bug and shows its origin."""
        self._work = work
        self._expected = expected
        self._running: dict[KeyT, asyncio.Task[None]] = {}
        self._again: set[KeyT] = set()
        self._timers: dict[KeyT, asyncio.TimerHandle] = {}
        self._failures: dict[KeyT, int] = {}
        self._closed = False

    def add(self, key: KeyT) -> None:
        """Work on a key now, or right after the work on it that is going on."""
        if self._closed:
            return
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key in self._running:
            self._again.add(key)
            return
        self._running[key] = asyncio.create_task(self._run(key))

    def add_after(self, key: KeyT, seconds: float) -> None:
        """Work on a key after a pause, unless it is due earlier."""
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None and timer.when() <= loop.time() + seconds:
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self.add, key)

    async def close(self) -> None:
        """Stop all work and wait for it to end."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, key: KeyT) -> None:
        pause: float | None = None
        try:
            pause = await self._work(key)
            self._failures.pop(key, None)
        except Exception as error:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            pause = min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0**failures)
            is_bug = not isinstance(error, self._expected)
            logger.warning("%s: %s; again in %.2f s", key, error or type(error).__name__, pause, exc_info=is_bug)
        finally:
            del self._running[key]
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        elif pause is not None and not self._closed:
            self.add_after(key, pause)
