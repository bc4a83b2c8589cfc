"""That a server which is away costs next to nothing, and never an answer."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from dbaas.api.rate_limits.limiter import DECIDED_ALONE, REFUSED, Limiter
from dbaas.api.rate_limits.rates import Policy, Rate
from dbaas.core.clock import SystemClock
from tests.dbaas.api.rate_limits.valkey import Valkey

POLICY = Policy(rate=Rate.READS, per_minute=3)
NOBODY = "redis://127.0.0.1:1/0"


@dataclass
class _Clock(SystemClock):
    """Moves when it is told to."""

    seconds: float = 1000.0
    _stand_in: None = field(default=None, init=False)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"redis://:secret@127.0.0.1:{listener.getsockname()[1]}/0"


def _alone() -> float:
    return float(DECIDED_ALONE._value.get())


@pytest.mark.parametrize("url", ["", NOBODY])
def test_without_a_server_the_same_numbers_hold_in_the_process(url: str) -> None:
    limiter = Limiter(url)

    assert [limiter.take(POLICY, "a").is_allowed for _ in range(5)] == [True, True, True, False, False]


def test_a_silent_server_costs_one_request_fifty_milliseconds_and_the_next_ones_nothing(silent: str) -> None:
    limiter = Limiter(silent)
    spent = []

    for _ in range(20):
        begin = time.perf_counter()
        limiter.take(POLICY, "a")
        spent.append(time.perf_counter() - begin)

    assert spent[0] < 0.05
    assert sum(spent[1:]) < 0.01


def test_a_server_that_is_away_is_left_alone_for_longer_each_time() -> None:
    clock = _Clock()
    limiter = Limiter(NOBODY, clock)
    tries = []
    shared = limiter._shared
    assert shared is not None
    original = shared.take

    def counted(policy: Policy, subject: str) -> object:
        tries.append(clock.seconds - 1000)
        return original(policy, subject)

    shared.take = counted  # type: ignore[method-assign, assignment] # counts the tries and passes them on
    while clock.seconds < 1060:
        limiter.take(POLICY, "a")
        clock.seconds += 0.5

    assert tries == [0, 1, 3, 7, 15, 25, 35, 45, 55]


def test_each_process_says_once_that_it_counts_alone(caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    limiter = Limiter(NOBODY, clock)
    before = _alone()

    for _ in range(10):
        limiter.take(POLICY, "a")
        clock.seconds += 5

    assert caplog.text.count("counted by each process alone") == 1
    assert "secret" not in caplog.text
    assert _alone() - before == 10


@pytest.mark.processes
def test_a_server_that_freezes_and_comes_back_is_used_again(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    clock = _Clock()
    limiter = Limiter(valkey.url, clock)
    assert limiter.take(POLICY, "a").remaining == 2
    valkey.freeze()

    begin = time.perf_counter()
    alone = limiter.take(POLICY, "a")
    spent = time.perf_counter() - begin
    valkey.stop()
    valkey.start()
    clock.seconds += 20
    together = [limiter.take(POLICY, "b").remaining, Limiter(valkey.url).take(POLICY, "b").remaining]

    assert alone.is_allowed
    assert spent < 0.05
    assert together == [2, 1]
    assert "counted together again" in caplog.text


def test_refusals_are_counted_by_kind() -> None:
    limiter, before = Limiter(""), REFUSED.labels("reads")._value.get()

    for _ in range(5):
        limiter.take(POLICY, "a")

    assert REFUSED.labels("reads")._value.get() - before == 2
