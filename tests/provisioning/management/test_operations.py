"""That every operation is printed as a table, with what cannot be undone marked."""

from io import StringIO

import pytest
from django.core.management import call_command

from provisioning.operations import all_workflows


def printed(*arguments: str) -> tuple[str, str]:
    told, complained = StringIO(), StringIO()
    call_command("operations", *arguments, stdout=told, stderr=complained)
    return told.getvalue(), complained.getvalue()


@pytest.mark.parametrize("kind", all_workflows())
def test_that_each_operation_has_a_table_with_all_its_steps(kind: str) -> None:
    told, complained = printed(kind)

    steps = all_workflows()[kind].steps
    assert told.count("\n## ") == 1
    assert f"\n## {kind}\n" in told
    assert all(f"| `{step.name}`" in told and step.sentence in told for step in steps)
    assert told.count("▲") >= any(step.point_of_no_return for step in steps)
    assert complained == ""


def test_that_all_are_printed_in_order_when_none_is_named() -> None:
    told, _ = printed()

    assert [line[3:] for line in told.splitlines() if line.startswith("## ")] == sorted(all_workflows())


def test_that_an_unknown_one_is_named_with_those_that_there_are() -> None:
    _, complained = printed("explode")

    assert "There is no operation explode; there are: backup" in complained
