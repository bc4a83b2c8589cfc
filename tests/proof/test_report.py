"""That the table of a proof tells what was tried, what was violated and which numbers were missed, and that results travel between processes."""

from collections import Counter
from enum import StrEnum
from typing import Any

import orjson
import pytest

from tests.proof.__main__ import _dumped, _loaded
from tests.proof.report import Number, Result, table


class Fault(StrEnum):
    KILL = "kill"


MISSED = Number(what="slow", measured=9.0, at_most=3.0, unit="s")
REACHED = Number(what="quick", measured=1.0, at_most=3.0, unit="s")


def result(**more: Any) -> Result:
    return Result(layer="storm", what="all of it", tried=7, faults=Counter({Fault.KILL: 2}), **more)


def test_that_results_survive_the_way_between_processes() -> None:
    sent = [result(violations=["seed 7"], numbers=[MISSED]), result(skipped="no server")]

    got = [_loaded(item) for item in orjson.loads(_dumped(sent))]

    assert table(got) == table(sent)


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"numbers": [REACHED]}, "proof: every invariant held (7 tried)"),
        ({"numbers": [MISSED]}, "proof: every invariant held, NUMBERS WERE MISSED (7 tried)"),
        ({"violations": ["seed 7"]}, "proof: VIOLATIONS WERE FOUND (7 tried)"),
        ({"skipped": "no server"}, "proof: every invariant held (7 tried, 1 skipped)"),
    ],
)
def test_that_the_last_line_says_how_it_went(more: dict[str, Any], end: str) -> None:
    lines = table([result(**more)]).splitlines()

    assert lines[-1] == end


def test_that_faults_missed_numbers_and_violations_are_shown() -> None:
    text = table([result(violations=["seed 7 lost an operation"], numbers=[MISSED])])

    assert "faults: kill 2" in text
    assert "slow: 9 s (at most 3)  BROKEN" in text
    assert "VIOLATED: seed 7 lost an operation" in text
