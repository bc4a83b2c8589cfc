"""Buckets of this process alone: what holds while the shared ones cannot be reached."""

from threading import Lock

from dbaas.api.rate_limits.rates import Decision, Policy, decide

MAX_BUCKETS = 50_000
"""About 10 MB. Beyond it those that are full again are dropped, and then the oldest."""


class LocalBuckets:
    """Buckets in memory, for any number of threads."""

    def __init__(self, max_buckets: int = MAX_BUCKETS) -> None:
        self._max_buckets = max_buckets
        self._full_at: dict[str, float] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, policy: Policy, subject: str, *, now: float) -> Decision:
        """Take one request out of the subject's bucket; `now` in seconds by a clock that never jumps."""
        key = f"{policy.rate}:{subject}"
        with self._lock:
            full_at, decision = decide(policy, full_at=self._full_at.get(key, 0.0), now=now)
            self._full_at[key] = full_at
            if len(self._full_at) > self._max_buckets:
                self._make_room(now)
        return decision

    def _make_room(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        for key in list(self._full_at)[: len(self._full_at) - self._max_buckets]:
            del self._full_at[key]
