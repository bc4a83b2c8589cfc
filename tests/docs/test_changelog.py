"""Tests that the changelog can be read by programs: the version of the product is its top heading."""

import re
from datetime import date

from packaging.version import Version

from tests.docs.pages import text_of

UNRELEASED = "## [Unreleased]"
"""What comes with the next version; it may stand above."""
HEADING = re.compile(r"^## \[([^\]]+)\] - (\S+)$", re.MULTILINE)


def test_that_the_top_heading_is_a_version_with_its_date() -> None:
    first = next(line for line in re.findall(r"^## .*$", text_of("CHANGELOG.md"), re.MULTILINE) if line != UNRELEASED)
    match = HEADING.fullmatch(first)

    assert match is not None, first
    assert len(Version(match[1]).release) == 3
    assert date.fromisoformat(match[2]).year >= 2026


def test_that_versions_go_down_the_page() -> None:
    versions = [Version(version) for version, _ in HEADING.findall(text_of("CHANGELOG.md"))]

    assert versions == sorted(versions, reverse=True)
