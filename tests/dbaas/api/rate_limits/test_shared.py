"""That processes which share nothing but the server keep one limit together."""

import subprocess
import sys
import time

import pytest
import redis

from dbaas.api.rate_limits.rates import Policy, Rate
from dbaas.api.rate_limits.shared import SharedBuckets
from tests.architecture.sizes import ROOT
from tests.dbaas.api.rate_limits.valkey import Valkey

pytestmark = pytest.mark.processes
POLICY = Policy(rate=Rate.READS, per_minute=6)


def test_a_bucket_behaves_as_the_arithmetic_says(valkey: Valkey) -> None:
    buckets = SharedBuckets(valkey.url)

    decisions = [buckets.take(POLICY, "a") for _ in range(7)]

    assert [decision.is_allowed for decision in decisions] == [True] * 6 + [False]
    assert [decision.remaining for decision in decisions] == [5, 4, 3, 2, 1, 0, 0]
    assert 9 < decisions[-1].retry_in_seconds <= 10
    assert 59 < decisions[-1].full_in_seconds <= 60


def test_two_clients_share_a_bucket_and_two_callers_do_not(valkey: Valkey) -> None:
    one, other = SharedBuckets(valkey.url), SharedBuckets(valkey.url)

    remaining = [one.take(POLICY, "a").remaining, other.take(POLICY, "a").remaining, one.take(POLICY, "b").remaining]

    assert remaining == [5, 4, 5]


def test_the_bucket_fills_up_again(valkey: Valkey) -> None:
    quick = Policy(rate=Rate.READS, per_minute=600)
    buckets = SharedBuckets(valkey.url)
    refused = next(decision for _ in range(2000) if not (decision := buckets.take(quick, "a")).is_allowed)

    time.sleep(refused.retry_in_seconds)  # the very thing that is tested: who waits that long is let in

    assert buckets.take(quick, "a").is_allowed


def test_nothing_is_left_behind_once_it_is_full(valkey: Valkey) -> None:
    SharedBuckets(valkey.url).take(Policy(rate=Rate.READS, per_minute=600), "a")

    with redis.Redis.from_url(valkey.url) as client:
        assert 0 < int(client.pttl("rate:reads:a")) <= 101


def test_a_server_that_forgot_the_script_is_told_again(valkey: Valkey) -> None:
    buckets = SharedBuckets(valkey.url)
    buckets.take(POLICY, "a")
    with redis.Redis.from_url(valkey.url) as client:
        client.script_flush()

    assert buckets.take(POLICY, "a").remaining == 4


def test_eight_processes_hold_the_limit_within_two_percent(valkey: Valkey) -> None:
    per_minute, seconds = 1200, 2.0
    command = [sys.executable, "-m", "tests.dbaas.api.rate_limits.hammer", valkey.url, str(per_minute), str(seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    hammers = [subprocess.Popen[str](command, **pipes) for _ in range(8)]  # type: ignore[call-overload] # of the pipes
    assert [hammer.stdout.readline() for hammer in hammers] == ["ready\n"] * 8

    begin = f"{time.time() + 0.2}\n"
    for hammer in hammers:
        hammer.stdin.write(begin)
        hammer.stdin.flush()
    counts = [hammer.communicate(timeout=60)[0].split() for hammer in hammers]

    tried, allowed = (sum(int(count[index]) for count in counts) for index in (0, 1))
    expected = per_minute + per_minute / 60 * seconds
    assert tried > expected * 1.5, "too few tries to prove anything"
    assert abs(allowed - expected) <= expected * 0.02
