"""Which stretch of time a customer asks for, and in what steps: defaults and limits. Pure."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dbaas.core.errors import FieldError, InvalidRequest

DEFAULT_SPAN = timedelta(hours=1)
MAX_SPAN = timedelta(days=31)
MAX_POINTS = 1000
USUAL_POINTS = 120
"""Enough for a chart on a screen."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `start` to `end`, both included, one point every `step_seconds`."""

    start: datetime
    end: datetime
    step_seconds: int


def window_of(*, start: datetime | None, end: datetime | None, step_seconds: int | None, now: datetime) -> Window:
    """Return what was asked for, by default the last hour in about 120 points.

    Raises: InvalidRequest — it ends before it starts, is too long, or has too many points.
    """
    until = end or (start + DEFAULT_SPAN if start else now)
    since = start or until - DEFAULT_SPAN
    span = until - since
    if span <= timedelta(0):
        raise _wrong("from", "must be before `to`.", "out_of_order")
    if span > MAX_SPAN:
        raise _wrong("from", f"must be at most {MAX_SPAN.days} days before `to`.", "too_long")
    step = step_seconds or max(1, math.ceil(span.total_seconds() / USUAL_POINTS))
    if span.total_seconds() / step > MAX_POINTS - 1:
        least = math.ceil(span.total_seconds() / (MAX_POINTS - 1))
        raise _wrong("step", f"gives more than {MAX_POINTS} points; at least {least} seconds here.", "too_many_points")
    return Window(start=since, end=until, step_seconds=step)


def _wrong(name: str, message: str, code: str) -> InvalidRequest:
    return InvalidRequest(errors=[FieldError(field=name, message=message, code=code)])
