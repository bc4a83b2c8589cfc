"""Tests that docs/running.md lists every environment variable, health route and process."""

import pytest
from django.urls import Resolver404, resolve
from pydantic_core import PydanticUndefined

from dbaas.settings.env import Environment
from tests.deploy.commands import ROOT, faults_of
from tests.docs.pages import table_in, words_in

PAGE = "docs/running.md"


def told_default(cell: str) -> object:
    """Return what the cell says: a value, `required`, or an explanation."""
    words = words_in(cell)
    return words[0] if words and cell == f"`{words[0]}`" else cell


def test_that_every_variable_is_listed_and_no_other() -> None:
    told = [words_in(row[0])[0] for row in table_in(PAGE, "variable")]

    assert sorted(told) == sorted(name.upper() for name in Environment.model_fields)


@pytest.mark.parametrize("row", table_in(PAGE, "variable"), ids=lambda row: str(row[0]).strip("`"))
def test_that_its_default_is_the_one_in_the_code(row: list[str]) -> None:
    field = Environment.model_fields[words_in(row[0])[0].lower()]
    told = told_default(row[1])

    if field.default is PydanticUndefined and field.default_factory is None:
        assert told == "required"
    elif field.default in ("", None, PydanticUndefined):
        assert told not in ("", "required")
    else:
        assert told == _as_written(field.default)


def test_that_the_health_routes_exist() -> None:
    for row in table_in(PAGE, "route"):
        path = words_in(row[0])[0]
        try:
            resolve(path)
        except Resolver404:
            pytest.fail(f"nothing answers {path}")


@pytest.mark.parametrize("row", table_in(PAGE, "process"), ids=lambda row: row[0])
def test_that_the_commands_of_the_processes_exist(row: list[str]) -> None:
    assert faults_of(words_in(row[1])[0]) == []


def test_that_the_processes_are_those_of_the_procfile() -> None:
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()

    assert [row[0] for row in table_in(PAGE, "process")] == [line.partition(":")[0] for line in lines]


def _as_written(value: object) -> str:
    """Return a value as one writes it into an environment."""
    return str(value).lower() if isinstance(value, bool) else str(value)
