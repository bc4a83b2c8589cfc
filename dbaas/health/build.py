"""Which version this is: the newest heading of CHANGELOG.md, which every copy of the product carries."""

import re
from functools import cache
from pathlib import Path

_CHANGELOG = Path(__file__).resolve().parents[2] / "CHANGELOG.md"
_HEADING = re.compile(r"^## \[?(\d[^\]\s]*)", re.MULTILINE)


@cache
def version(changelog: Path = _CHANGELOG) -> str:
    """Return the version that was released last; `unknown` where the file is missing."""
    try:
        found = _HEADING.search(changelog.read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = None
    return found.group(1) if found else "unknown"
