"""That the system's clock tells the present moment as every database can keep it."""

from datetime import UTC, datetime, timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from tests.provisioning.stage import StoppedClock


def test_that_it_tells_the_present_moment_in_utc_to_the_millisecond() -> None:
    before = datetime.now(tz=UTC) - timedelta(milliseconds=1)

    moments = [SYSTEM_CLOCK.now() for _ in range(50)]

    assert all(before <= moment <= datetime.now(tz=UTC) for moment in moments)
    assert all(moment.tzinfo is UTC and moment.microsecond % 1000 == 0 for moment in moments)


def test_that_a_whole_process_can_run_on_another_clock() -> None:
    stopped = StoppedClock()

    with SYSTEM_CLOCK.replaced_by(stopped):
        stopped.forward(timedelta(days=9))
        then, counted = SYSTEM_CLOCK.now(), SYSTEM_CLOCK.monotonic()

    assert (then, counted) == (stopped.now(), stopped.monotonic())
    assert SYSTEM_CLOCK.now() < then - timedelta(days=8)
