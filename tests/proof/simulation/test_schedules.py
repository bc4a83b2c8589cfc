"""A small part of the proof, for every run of the tests; `make proof` has the rest."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.proof.simulation.hunting import hunt
from tests.proof.simulation.mutants import MUTANTS, living
from tests.proof.simulation.profiles import PROFILES
from tests.proof.simulation.schedules import Theatre, play, theatre
from tests.proof.simulation.stateful import look

SEEN = [one for one in MUTANTS if one.seen_in]


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
    outcomes = [play(stage, PROFILES[name], seed) for seed in range(4)]

    assert [f"{outcome.name} {outcome.violation}" for outcome in outcomes if outcome.violation] == []


@pytest.mark.parametrize("mutant", SEEN, ids=lambda one: str(one.name))
def test_that_a_protection_is_missed_when_it_is_gone(stage: Theatre, mutant: Any) -> None:
    catch = hunt(stage, mutant)

    assert catch.is_as_it_should_be, str(catch)


def test_that_an_explorer_finds_nothing_in_a_few_examples(stage: Theatre) -> None:
    tried, _, violation = look(stage, examples=3, steps=20, seed=1)

    assert violation == ""
    assert tried >= 3


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: str(one.name))
def test_that_a_mutant_still_fits_the_code(stage: Theatre, mutant: Any) -> None:
    before = [edit.of.__code__ for edit in mutant.edits]

    with living(mutant, stage.memory):
        during = [edit.of.__code__ for edit in mutant.edits]

    assert not set(before) & set(during)
    assert [edit.of.__code__ for edit in mutant.edits] == before
