"""Decide about a request: by the buckets that all processes share, or by this process's own while those cannot be reached.

A limit is never the reason for a request to fail. A server that does not answer is left alone for a while, longer each time, so that it costs one
request 50 ms, not every request.
"""

from functools import cache

import structlog
from django.conf import settings
from prometheus_client import Counter
from redis import RedisError

from dbaas.api.rate_limits.local import LocalBuckets
from dbaas.api.rate_limits.rates import Decision, Policy, Rate
from dbaas.api.rate_limits.shared import SharedBuckets
from dbaas.core.clock import SYSTEM_CLOCK, Clock

REFUSED = Counter("dbaas_rate_limited", "Requests that were refused because their caller sent too many.", ["rate"])
DECIDED_ALONE = Counter(
    "dbaas_rate_limits_decided_alone", "Requests that a process counted by itself, because the shared count was away."
)
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0
_log = structlog.get_logger(__name__)


class Limiter:
    """One per process and server."""

    def __init__(self, url: str, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._shared = SharedBuckets(url) if url else None
        self._local = LocalBuckets()
        self._pause_seconds = 0.0
        self._quiet_until = 0.0

    def take(self, policy: Policy, subject: str) -> Decision:
        """Count one request of this caller and say whether it may go on."""
        decision = self._take(policy, subject)
        if not decision.is_allowed:
            REFUSED.labels(policy.rate).inc()
        return decision

    def _take(self, policy: Policy, subject: str) -> Decision:
        now = self._clock.monotonic()
        if self._shared is None:
            return self._local.take(policy, subject, now=now)
        if now >= self._quiet_until:
            try:
                decision = self._shared.take(policy, subject)
            except RedisError as error:
                self._leave_alone(error)
            else:
                self._note_back()
                return decision
        DECIDED_ALONE.inc()
        return self._local.take(policy, subject, now=now)

    def _leave_alone(self, error: RedisError) -> None:
        if not self._pause_seconds:
            _log.warning("rate limits are counted by each process alone", error=type(error).__name__)
        self._pause_seconds = min(max(_FIRST_PAUSE_SECONDS, self._pause_seconds * 2), _LONGEST_PAUSE_SECONDS)
        self._quiet_until = self._clock.monotonic() + self._pause_seconds

    def _note_back(self) -> None:
        if self._pause_seconds:
            _log.warning("rate limits are counted together again")
            self._pause_seconds = 0.0


def take(rate: Rate, subject: str) -> Decision | None:
    """Count one request by the settings' numbers; None where this kind is not limited."""
    per_minute = settings.RATE_LIMITS[rate]
    if not per_minute:
        return None
    return _limiter(settings.RATE_LIMIT_URL).take(_policy(rate, per_minute), subject)


@cache
def _policy(rate: Rate, per_minute: int) -> Policy:
    return Policy(rate=rate, per_minute=per_minute)


@cache
def _limiter(url: str) -> Limiter:
    return Limiter(url)
