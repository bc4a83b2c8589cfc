"""Tests that SECURITY.md names tests that exist, and covers all ten risks."""

import re

import pytest

from tests.docs.pages import ROOT, quoted_in, table_in

PAGE = "SECURITY.md"
NAMED = sorted({word for word in quoted_in(PAGE) if "::" in word})


@pytest.mark.parametrize("name", NAMED)
def test_that_a_test_it_names_exists(name: str) -> None:
    path, _, function = name.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")

    assert re.search(rf"^def {function}\(", text, re.MULTILINE)


def test_that_every_line_names_a_test() -> None:
    rows = [*table_in(PAGE, "boundary"), *table_in(PAGE, "risk")]

    assert [row[0] for row in rows if "::" not in row[-1]] == []


def test_that_all_ten_risks_are_there() -> None:
    assert [row[0].partition(" ")[0] for row in table_in(PAGE, "risk")] == [f"API{number}" for number in range(1, 11)]
