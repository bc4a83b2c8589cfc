"""One of several processes that all ask for the same caller: `python -m tests.dbaas.api.rate_limits.hammer URL PER_MINUTE SECONDS`.

Says when it is ready, reads from its input when to begin, and prints how many requests it tried and how many were allowed.
"""

import sys
import time

from dbaas.api.rate_limits.rates import Policy, Rate
from dbaas.api.rate_limits.shared import SharedBuckets


def main(url: str, per_minute: int, seconds: float) -> None:
    """Ask without a pause, from the moment at which all begin."""
    policy = Policy(rate=Rate.READS, per_minute=per_minute)
    buckets = SharedBuckets(url, answer_within_seconds=10)  # with more processes than cores any of them may wait
    buckets.take(policy, "nobody")  # connects
    print("ready", flush=True)  # noqa: T201 -- read by the test
    begin = float(sys.stdin.readline())
    tried = allowed = 0
    time.sleep(max(0.0, begin - time.time()))
    while time.time() < begin + seconds:
        tried += 1
        allowed += buckets.take(policy, "everybody").is_allowed
    print(tried, allowed)  # noqa: T201 -- read by the test


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
