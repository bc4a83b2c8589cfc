"""Tests that the guide has a page for every task, each with commands, what to expect, and what can go wrong."""

import re
import subprocess

import pytest

from provisioning.operations import all_workflows
from tests.docs.guide import INDEX, guide_pages
from tests.docs.pages import ROOT, anchors_of, blocks_of, name_of, table_in, text_of, words_in

PAGES = [page for page in guide_pages() if page != INDEX]
CODES_OF_OPERATIONS = {"backup.failed", "ops_request.failed", "ops_request.refused"}
"""They are in the `error` of an operation, not in an answer."""


def test_that_the_index_lists_every_page() -> None:
    there = {name_of(path) for path in (ROOT / "docs/guide").glob("*.md")}

    assert there == set(guide_pages())


@pytest.mark.parametrize("page", PAGES)
def test_that_a_page_has_commands_expectations_and_known_codes(page: str) -> None:
    codes = {words_in(row[0])[0] for row in table_in(page, "code")}

    assert [words for words, _ in blocks_of(page) if words.startswith("sh")] == ["sh guide"]
    assert "**What to expect.**" in text_of(page)
    assert codes - anchors_of("docs/errors.md") - CODES_OF_OPERATIONS == set()


@pytest.mark.parametrize("page", guide_pages())
def test_that_blocks_have_no_mistakes_in_their_syntax(page: str) -> None:
    for body in (body for words, body in blocks_of(page) if words.startswith("sh")):
        checked = subprocess.run(["sh", "-n"], input=body, capture_output=True, text=True, check=False)

        assert checked.returncode == 0, checked.stderr


def test_that_every_request_for_work_is_shown() -> None:
    text = "\n".join(body for page in guide_pages() for _, body in blocks_of(page))
    verbs = {found.request.verb for found in all_workflows().values() if found.request and found.request.verb}

    assert verbs - set(re.findall(r"databases/\$DATABASE/([a-z-]+)", text)) == set()
