"""That tries are spread over a day, each a little later than planned and never earlier."""

import itertools
import random
from datetime import timedelta

from webhooks.schedule import AFTER, pause_after


def pauses(seed: int) -> list[timedelta]:
    chance = random.Random(seed)
    return [pause for tries in range(1, len(AFTER)) if (pause := pause_after(tries, chance=chance)) is not None]


def test_that_there_are_ten_tries_over_a_day() -> None:
    found = pauses(1)

    assert len(found) + 1 == 10
    assert timedelta(hours=24) <= sum(found, timedelta()) <= timedelta(hours=26.5)
    assert pause_after(10, chance=random.Random(1)) is None


def test_that_the_pauses_are_those_of_the_plan_and_a_little_more() -> None:
    planned = [after - before for before, after in itertools.pairwise(AFTER)]

    assert all(
        plan <= pause <= plan * 1.1 for seed in range(20) for plan, pause in zip(planned, pauses(seed), strict=True)
    )
    assert len({pauses(seed)[3] for seed in range(20)}) > 10
