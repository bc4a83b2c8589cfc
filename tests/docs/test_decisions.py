"""Tests that decisions are numbered, short and complete."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, name_of, text_of

DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
MAX_LINES = 60


def test_that_they_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_that_each_says_what_a_decision_must_say(path: Path) -> None:
    text = text_of(name_of(path))

    assert text.startswith(f"# {path.name[:4]}. ")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Choice", "Rejected", "Consequence", "To undo"]
    assert text.count("\n") <= MAX_LINES
