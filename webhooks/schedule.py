"""When a message is tried again: at once, then after growing pauses, for about a day. Pure."""

import random
from datetime import timedelta

AFTER = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after the event each try begins. Source: Standard Webhooks, "Retry schedule"."""

_SPREAD = 0.1
"""A receiver that comes back must not get everything that waited for it in one second."""


def pause_after(tries: int, *, chance: random.Random) -> timedelta | None:
    """Return how long to wait after so many tries that failed, up to a tenth longer than planned; None when there is none left."""
    if tries >= len(AFTER):
        return None
    return (AFTER[tries] - AFTER[tries - 1]) * (1 + chance.uniform(0, _SPREAD))
