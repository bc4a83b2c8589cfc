import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbaas.api.rate_limits.rates import Policy, Rate, decide

POLICY = Policy(rate=Rate.READS, per_minute=6)


def _take(times: list[float], policy: Policy = POLICY) -> list[bool]:
    full_at, allowed = 0.0, []
    for now in times:
        full_at, decision = decide(policy, full_at=full_at, now=now)
        allowed.append(decision.is_allowed)
    return allowed


def test_a_minutes_worth_may_come_at_once() -> None:
    assert _take([100.0] * 7) == [True] * 6 + [False]


def test_after_that_one_may_come_per_interval() -> None:
    assert _take([100.0] * 6 + [109.9, 110.1, 110.2]) == [True] * 6 + [False, True, False]


def test_a_refused_request_costs_nothing() -> None:
    assert _take([100.0] * 50 + [110.1])[-1] is True


def test_a_full_bucket_does_not_grow() -> None:
    assert _take([100.0, *[10_000.0] * 7]) == [True] * 7 + [False]


def test_what_remains_is_counted_down_and_the_wait_is_told() -> None:
    full_at, remaining = 0.0, []
    for _ in range(6):
        full_at, decision = decide(POLICY, full_at=full_at, now=100.0)
        remaining.append(decision.remaining)
    _, refused = decide(POLICY, full_at=full_at, now=104.0)

    assert remaining == [5, 4, 3, 2, 1, 0]
    assert refused.remaining == 0
    assert [refused.retry_in_seconds, refused.full_in_seconds] == pytest.approx([6.0, 56.0])


@given(
    gaps=st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=200),
    per_minute=st.integers(min_value=1, max_value=500),
)
def test_no_pattern_of_requests_passes_more_than_the_bucket_and_what_flows_in(
    gaps: list[float], per_minute: int
) -> None:
    times = [100.0]
    for gap in gaps:
        times.append(times[-1] + gap)

    allowed = sum(_take(times, Policy(rate=Rate.READS, per_minute=per_minute)))

    assert allowed <= per_minute + (times[-1] - times[0]) * per_minute / 60 + 1


@given(waits=st.lists(st.floats(min_value=0, max_value=0.5), min_size=1, max_size=50))
def test_whoever_waits_as_long_as_they_are_told_is_let_in(waits: list[float]) -> None:
    full_at, now = 0.0, 50.0
    for wait in waits:
        full_at, decision = decide(POLICY, full_at=full_at, now=now)
        if not decision.is_allowed:
            full_at, decision = decide(POLICY, full_at=full_at, now=now + decision.retry_in_seconds + 1e-6)
            assert decision.is_allowed
        now += wait
