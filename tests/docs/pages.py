"""How the tests read the pages: their links, their code, their tables. Only as much Markdown as our own pages use."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return every page that people read."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name_of(page: Path) -> str:
    """Return the page's path as tests show it."""
    return str(page.relative_to(ROOT))


@cache
def text_of(name: str) -> str:
    """Return what stands in the page."""
    return (ROOT / name).read_text(encoding="utf-8")


def prose_of(name: str) -> str:
    """Return the page without its blocks of code."""
    return _FENCE.sub("", text_of(name))


def blocks_of(name: str) -> list[tuple[str, str]]:
    """Return each block of code with the words after its fence."""
    return _FENCE.findall(text_of(name))


def links_of(name: str) -> list[str]:
    """Return where the page's links lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose_of(name))


def quoted_in(name: str) -> list[str]:
    """Return what stands between backticks in the prose."""
    return re.findall(r"`([^`\n]+)`", prose_of(name))


def commands_in(name: str) -> list[str]:
    """Return everything that a reader may type: blocks of shell, and what stands between backticks."""
    return [body for words, body in blocks_of(name) if words.startswith("sh")] + quoted_in(name)


def anchors_of(name: str) -> set[str]:
    """Return the anchors that the page's headings make, and those that it sets itself."""
    headings = re.findall(r"^#+ (.+)$", prose_of(name), re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return made | set(re.findall(r'<a id="([^"]+)">', text_of(name)))


def table_in(name: str, first_column: str) -> list[list[str]]:
    """Return the rows, as lists of cells, of the one table whose first column has this title.

    Raises: AssertionError — there is no such table, or more than one.
    """
    tables = [table for table in _tables(name) if table[0][0] == first_column]
    assert len(tables) == 1, f"{name} has {len(tables)} tables that begin with {first_column!r}"
    return tables[0][2:]


def _tables(name: str) -> Iterator[list[list[str]]]:
    for block in re.findall(r"(?:^\|.*\|\n)+", prose_of(name), re.MULTILINE):
        yield [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]


def words_in(cell: str) -> list[str]:
    """Return what stands between backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)
