"""Tests that docs/architecture.md says of states and layers what the code says."""

import configparser
import re

import pytest

from provisioning.states import DatabaseState, OperationState, may_become
from tests.docs.pages import ROOT, blocks_of, prose_of, table_in, words_in

PAGE = "docs/architecture.md"


def states_under(heading: str) -> list[list[str]]:
    """Return the rows of the table of states under this heading."""
    section = prose_of(PAGE).partition(f"### {heading}\n")[2].partition("\n#")[0]
    lines = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def layers_of(contract: str) -> list[set[str]]:
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    lines = rules[f"importlinter:contract:{contract}"]["layers"].strip().splitlines()
    return [{name.strip() for name in line.split("|")} for line in lines]


def test_that_the_changes_of_state_are_those_of_the_code() -> None:
    told = {words_in(row[0])[0]: set(words_in(row[2])) for row in states_under("States of an operation")}

    assert told == {
        str(now): {str(then) for then in OperationState if then is not now and may_become(now, then)}
        for now in OperationState
    }


def test_that_the_states_of_a_database_are_those_of_the_code() -> None:
    told = [words_in(row[0])[0] for row in states_under("States of a database")]

    assert sorted(told) == sorted(DatabaseState)


@pytest.mark.parametrize(("contract", "place"), [("applications", 1), ("provisioning", 2)])
def test_that_the_layers_are_those_of_the_import_rules(contract: str, place: int) -> None:
    body = blocks_of(PAGE)[place][1]

    told = [set(re.split(r"\s{2,}", line)[0].split(", ")) for line in body.splitlines()]

    assert told == layers_of(contract)


def test_that_the_fate_of_every_process_is_told() -> None:
    fates = {row[0] for row in table_in(PAGE, "what dies")}

    assert {words[0] for words in table_in(PAGE, "process")} - {"flower"} <= fates
