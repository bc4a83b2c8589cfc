"""That gauges are read from the database once in a while, however often they are asked for."""

from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from dbaas.health.readings import Reading, Readings, single
from tests.provisioning.stage import StoppedClock


class Counted:
    """Remembers how often it was read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, _now: datetime) -> float:
        self.times += 1
        return float(self.times)


def readings_of(counted: Counted, clock: StoppedClock) -> Readings:
    return Readings(
        [Reading(name="canary_read", text="x", read=single(counted))],
        keep_factor=2,
        clock=clock,
    )


@pytest.mark.parametrize(("seconds", "times"), [(19, 1), (20, 2)])
def test_that_an_answer_is_kept_for_its_time(settings: Settings, seconds: int, times: int) -> None:
    settings.METRICS_CACHE_SECONDS = 10
    clock, counted = StoppedClock(), Counted()
    readings = readings_of(counted, clock)

    first = [family.samples[0].value for family in readings.collect()]
    clock.forward(timedelta(seconds=seconds))
    second = [family.samples[0].value for family in readings.collect()]

    assert (first, second) == ([1.0], [float(times)])


def test_that_describing_reads_nothing() -> None:
    counted = Counted()

    described = [(family.name, family.samples) for family in readings_of(counted, StoppedClock()).describe()]

    assert described == [("canary_read", [])]
    assert counted.times == 0
