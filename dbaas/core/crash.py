"""Crash points: named places where a test may kill, freeze or break the process. In production they do nothing.

`DBAAS_CRASH=<point>:<nth>:<kill|hang|raise>` arms one for a whole process; a test in the same process uses `armed`.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_HANG_SECONDS = 3600.0


class CrashPointReached(BaseException):
    """A test asked for a crash here; not an `Exception`, so that no `except` of ours can swallow it."""


class _Armed:
    def __init__(self) -> None:
        self.action: Callable[[str], None] | None = None


_armed = _Armed()


def crash_point(name: str) -> None:
    """Do nothing, unless a test armed this very point."""
    if _armed.action is not None:
        _armed.action(name)


@contextmanager
def armed(action: Callable[[str], None]) -> Iterator[None]:
    """Call `action` with the name of every crash point that is passed inside this block."""
    before = _armed.action
    _armed.action = action
    try:
        yield
    finally:
        _armed.action = before


def arm_from_environment(setting: str | None) -> None:
    """Arm the point that `DBAAS_CRASH` names.

    Raises: ValueError — the setting is not `<point>:<nth>:<kill|hang|raise>`.
    """
    if not setting:
        return
    point, nth_text, what = setting.rsplit(":", 2)
    crash = {"kill": _kill, "hang": _hang, "raise": _raise}.get(what)
    if crash is None:
        raise ValueError(f"DBAAS_CRASH must end in kill, hang or raise, not {what!r}.")
    passes_left = int(nth_text)

    def action(name: str) -> None:
        nonlocal passes_left
        if name != point:
            return
        passes_left -= 1
        if passes_left == 0:
            crash()

    _armed.action = action


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hang() -> None:
    time.sleep(_HANG_SECONDS)


def _raise() -> None:
    raise CrashPointReached
