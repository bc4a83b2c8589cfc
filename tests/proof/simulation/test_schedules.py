"""A small part of the proof, for every run of the tests; `make proof` has the rest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.proof.simulation.hunting import hunt
from tests.proof.simulation.mutants import MUTANTS, living
from tests.proof.simulation.profiles import PROFILES
from tests.proof.simulation.schedules import Theatre, play, theatre
from tests.proof.simulation.stateful import look

SEEDS = sorted((Path(__file__).parents[1] / "seeds").glob("*.json"))
KEPT: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in SEEDS]
QUICK = ("no fencing token", "no sweep by the dispatcher", "a claim that takes what is leased")


@pytest.fixture(scope="module")
def stage(django_db_blocker: DjangoDbBlocker) -> Iterator[Theatre]:
    """A metadata database of its own for these tests, and the places where worlds begin."""
    with django_db_blocker.unblock(), theatre() as made:
        yield made


@pytest.mark.parametrize("name", PROFILES)
def test_that_one_seed_is_one_course_of_events(stage: Theatre, name: str) -> None:
    once: list[str] = []
    again: list[str] = []

    play(stage, PROFILES[name], 7, once.append)
    play(stage, PROFILES[name], 8)
    play(stage, PROFILES[name], 7, again.append)

    assert once == again
    assert len(once) > 30


@pytest.mark.parametrize("name", PROFILES)
def test_that_nothing_is_lost_doubled_or_silently_stuck(stage: Theatre, name: str) -> None:
    outcomes = [play(stage, PROFILES[name], seed) for seed in range(8)]

    assert [f"{outcome.name} {outcome.violation}" for outcome in outcomes if outcome.violation] == []


@pytest.mark.parametrize("kept", KEPT, ids=[path.stem for path in SEEDS])
def test_that_a_defect_that_was_found_once_stays_away(stage: Theatre, kept: dict[str, Any]) -> None:
    outcome = play(stage, PROFILES[kept["profile"]], kept["seed"])

    assert outcome.violation == ""


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if one.name in QUICK], ids=lambda one: str(one.name))
def test_that_a_protection_is_missed_when_it_is_gone(stage: Theatre, mutant: Any) -> None:
    catch = hunt(stage, mutant)

    assert catch.is_as_it_should_be, str(catch)


def test_that_an_explorer_finds_nothing_in_a_few_examples(stage: Theatre) -> None:
    tried, _, violation = look(stage, examples=5, steps=30, seed=1)

    assert violation == ""
    assert tried >= 8


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: str(one.name))
def test_that_a_mutant_still_fits_the_code(stage: Theatre, mutant: Any) -> None:
    before = [edit.of.__code__ for edit in mutant.edits]

    with living(mutant, stage.memory):
        during = [edit.of.__code__ for edit in mutant.edits]

    assert not set(before) & set(during)
    assert [edit.of.__code__ for edit in mutant.edits] == before
