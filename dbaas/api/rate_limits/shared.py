"""Buckets that all processes share, in Redis or Valkey: one script, so that nothing comes between reading and writing; one round trip."""

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dbaas.api.rate_limits.rates import WINDOW_SECONDS, Decision, Policy

_CONNECT_WITHIN_SECONDS = 0.02
_ANSWER_WITHIN_SECONDS = 0.03
"""Together the 50 ms that a dead server may cost a request; a live one answers in a tenth of a millisecond."""
_MICROSECONDS = 1_000_000

# The server's clock is the only one: processes on several machines need not agree. Numbers are whole microseconds, which Lua's doubles hold
# exactly until the year 2255.
_SCRIPT = """
local interval, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local before = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local after = before + interval
local too_early = after - window - now
if too_early > 0 then
  return {0, before - now, too_early}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {1, after - now, 0}
"""


class SharedBuckets:
    """A client of the server that keeps the buckets; connects when it is first asked."""

    def __init__(self, url: str, *, answer_within_seconds: float = _ANSWER_WITHIN_SECONDS) -> None:
        self._client = Redis.from_url(
            url,
            protocol=2,  # the older protocol needs no greeting, which would be another round trip on each new connection
            driver_info=None,
            socket_connect_timeout=_CONNECT_WITHIN_SECONDS,
            socket_timeout=answer_within_seconds,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
        )
        self._script = self._client.register_script(_SCRIPT)

    def take(self, policy: Policy, subject: str) -> Decision:
        """Take one request out of the subject's bucket.

        Raises: redis.RedisError — the server did not answer in time, or not with a decision.
        """
        interval = round(policy.interval_seconds * _MICROSECONDS)
        arguments = [interval, WINDOW_SECONDS * _MICROSECONDS]
        is_allowed, full_in, retry_in = self._script(keys=[f"rate:{policy.rate}:{subject}"], args=arguments)
        return Decision(
            policy=policy,
            is_allowed=bool(is_allowed),
            full_in_seconds=full_in / _MICROSECONDS,
            retry_in_seconds=retry_in / _MICROSECONDS,
        )
