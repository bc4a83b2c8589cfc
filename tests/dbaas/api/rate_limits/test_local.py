from concurrent.futures import ThreadPoolExecutor

from dbaas.api.rate_limits.local import LocalBuckets
from dbaas.api.rate_limits.rates import Policy, Rate

READS = Policy(rate=Rate.READS, per_minute=5)
WRITES = Policy(rate=Rate.WRITES, per_minute=5)


def test_each_caller_and_each_kind_has_a_bucket_of_its_own() -> None:
    buckets = LocalBuckets()

    allowed = [buckets.take(policy, subject, now=1.0).is_allowed for policy in (READS, WRITES) for subject in "ab" * 6]

    assert allowed.count(True) == 4 * 5


def test_threads_do_not_share_a_place() -> None:
    buckets = LocalBuckets()
    policy = Policy(rate=Rate.READS, per_minute=100)

    with ThreadPoolExecutor(8) as pool:
        allowed = list(pool.map(lambda _: buckets.take(policy, "a", now=1.0).is_allowed, range(1000)))

    assert allowed.count(True) == 100


def test_memory_is_bounded_and_full_buckets_go_first() -> None:
    buckets = LocalBuckets(max_buckets=3)
    buckets.take(READS, "long ago", now=1.0)
    for now, subject in enumerate("abc", 1000):
        buckets.take(READS, subject, now=float(now))

    assert len(buckets) == 3
    assert buckets.take(READS, "a", now=1003.0).remaining == 3


def test_where_all_are_in_use_the_oldest_goes() -> None:
    buckets = LocalBuckets(max_buckets=2)

    for subject in "abc":
        buckets.take(READS, subject, now=1.0)

    assert len(buckets) == 2
    assert [buckets.take(READS, subject, now=1.0).remaining for subject in "cb"] == [3, 3]
