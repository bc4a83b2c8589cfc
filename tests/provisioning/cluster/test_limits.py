"""That one process asks a cluster no faster than it may, and leaves one alone that does not answer, without ever giving it up."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import ClusterBusy, ClusterRefuses, ClusterUnavailable
from provisioning.cluster.kinds import NAMESPACE, Ref
from provisioning.cluster.limits import FIRST_PAUSE, LONGEST_PAUSE, LONGEST_TURN, OPENS_AFTER, Limits, Pace
from tests.devcluster.conftest import ApiServer
from tests.provisioning.stage import StoppedClock


@pytest.fixture
def clock() -> Iterator[StoppedClock]:
    """The clock of the whole process, which moves only when a test moves it."""
    stopped = StoppedClock()
    with SYSTEM_CLOCK.replaced_by(stopped):
        yield stopped


@pytest.fixture
def limits() -> Limits:
    """Limits that no test of the breaker runs into by its pace."""
    return Limits(per_second=10_000)


def silent(limits: Limits) -> None:
    with pytest.raises(ClusterUnavailable), limits.around_call():
        raise ClusterUnavailable("no answer")


def is_let_through(limits: Limits) -> bool:
    try:
        with limits.around_call():
            return True
    except ClusterUnavailable:
        return False


def test_that_a_burst_is_free_and_what_follows_waits_its_turn() -> None:
    pace = Pace(per_second=50, burst=5)
    began = time.monotonic()

    for _ in range(5):
        pace.take_turn()
    after_burst = time.monotonic() - began
    for _ in range(10):
        pace.take_turn()

    assert after_burst < 0.1
    assert time.monotonic() - began >= 0.19


def test_that_a_turn_that_would_come_too_late_is_refused_with_a_time(clock: StoppedClock) -> None:
    del clock
    pace = Pace(per_second=0.1, burst=1)
    pace.take_turn()

    with pytest.raises(ClusterBusy) as refused:
        pace.take_turn()

    assert refused.value.retry_after == LONGEST_TURN


def test_that_a_cluster_that_is_silent_is_left_alone_and_tried_now_and_then(
    limits: Limits, clock: StoppedClock
) -> None:
    for _ in range(OPENS_AFTER):
        silent(limits)
    at_once = is_let_through(limits)
    clock.forward(FIRST_PAUSE)

    first, second = is_let_through_silently(limits), is_let_through(limits)

    assert (at_once, first, second) == (False, True, False)


def is_let_through_silently(limits: Limits) -> bool:
    try:
        with limits.around_call():
            raise ClusterUnavailable("still no answer")
    except ClusterUnavailable as error:
        return error.detail == "still no answer"


def test_that_who_is_turned_away_is_told_when_to_come_back(limits: Limits, clock: StoppedClock) -> None:
    for _ in range(OPENS_AFTER):
        silent(limits)
    clock.forward(timedelta(seconds=2))

    with pytest.raises(ClusterUnavailable) as refused, limits.around_call():
        pass

    assert refused.value.retry_after == FIRST_PAUSE - timedelta(seconds=2)


def test_that_the_pauses_grow_up_to_a_minute(limits: Limits, clock: StoppedClock) -> None:
    for _ in range(OPENS_AFTER):
        silent(limits)
    for _ in range(10):
        clock.forward(LONGEST_PAUSE)
        assert is_let_through_silently(limits)
    clock.forward(LONGEST_PAUSE - timedelta(milliseconds=1))

    assert not is_let_through(limits)


@pytest.mark.parametrize("answer", [None, ClusterRefuses, ClusterBusy])
def test_that_any_answer_closes_it(
    limits: Limits, clock: StoppedClock, answer: type[ClusterRefuses | ClusterBusy] | None
) -> None:
    for _ in range(OPENS_AFTER):
        silent(limits)
    clock.forward(FIRST_PAUSE)

    try:
        with limits.around_call():
            if answer is not None:
                raise answer
    except (ClusterRefuses, ClusterBusy):
        pass  # an answer, though not a pleasant one

    assert all(is_let_through(limits) for _ in range(3))


def test_that_one_cluster_s_silence_does_not_close_another(cluster: ApiServer, limits: Limits, tmp_path: Path) -> None:
    dead_file = tmp_path / "kubeconfig"
    dead_file.write_text(cluster.kubeconfig.read_text().replace(cluster.url, "https://127.0.0.1:1"))
    dead = Gateway(Reach(kubeconfig_path=str(dead_file)), limits=limits)
    alive = Gateway(Reach(kubeconfig_path=str(cluster.kubeconfig)), limits=Limits(per_second=10_000))
    default = Ref(kind=NAMESPACE, name="default")

    for _ in range(OPENS_AFTER):
        with pytest.raises(ClusterUnavailable):
            dead.get(default)
    began = time.monotonic()
    with pytest.raises(ClusterUnavailable) as refused:
        dead.get(default)

    assert refused.value.retry_after is not None
    assert time.monotonic() - began < 0.05
    assert alive.get(default) is not None
