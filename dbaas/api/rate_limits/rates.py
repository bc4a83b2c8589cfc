"""What is limited, and the arithmetic of it. Pure: who is asking and where the state is kept is not known here.

A bucket holds a minute's worth of requests and fills up evenly. It is kept as one number: the moment at which it would be full again
(the "theoretical arrival time" of the generic cell rate algorithm).
"""

from dataclasses import dataclass
from enum import StrEnum

WINDOW_SECONDS = 60
_ROUNDING_SECONDS = 1e-6
"""What adding up a bucket's worth of intervals may be off by."""


class Rate(StrEnum):
    """Kinds of requests that are counted apart."""

    READS = "reads"
    WRITES = "writes"
    LOGINS = "logins"
    CREDENTIALS = "credentials"
    ANONYMOUS = "anonymous"
    """Whatever came without valid credentials, and is no log-in."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How many requests of a kind one caller may send."""

    rate: Rate
    per_minute: int

    @property
    def interval_seconds(self) -> float:
        """Return after how long a request's place in the bucket is free again."""
        return WINDOW_SECONDS / self.per_minute


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Whether a request may go on, and what to tell the caller about the next ones."""

    policy: Policy
    is_allowed: bool
    full_in_seconds: float
    """Until the bucket is as full as it can be."""
    retry_in_seconds: float = 0.0
    """Until a request would be allowed; 0 where this one is."""

    @property
    def remaining(self) -> int:
        """Return how many more requests would be allowed at this moment."""
        if not self.is_allowed:
            return 0
        return max(0, int((WINDOW_SECONDS - self.full_in_seconds) / self.policy.interval_seconds + _ROUNDING_SECONDS))


def decide(policy: Policy, *, full_at: float, now: float) -> tuple[float, Decision]:
    """Take one request out of a bucket that would be full at `full_at`; return when it would be full then, and the decision."""
    before = max(full_at, now)
    after = before + policy.interval_seconds
    too_early_by = after - WINDOW_SECONDS - now
    if too_early_by > _ROUNDING_SECONDS:
        full_in = before - now
        return before, Decision(policy=policy, is_allowed=False, full_in_seconds=full_in, retry_in_seconds=too_early_by)
    return after, Decision(policy=policy, is_allowed=True, full_in_seconds=after - now)
