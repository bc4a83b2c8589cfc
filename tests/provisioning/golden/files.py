"""The golden files on disk against what the code makes now."""

from pathlib import Path

from tests.provisioning.golden.cases import CASES, FOLDER


def problems() -> list[str]:
    """Return one line for every file that is missing, differs, or belongs to no case."""
    expected = {case.path: case.text for case in CASES}
    found = {path: path.read_text() for path in FOLDER.glob("*/*.yaml")}
    return [
        f"{path.relative_to(FOLDER)}: {_difference(path, found, expected)}"
        for path in sorted(found.keys() | expected.keys())
        if found.get(path) != expected.get(path)
    ]


def write() -> None:
    """Make the files as the code has it now."""
    for stale in FOLDER.glob("*/*.yaml"):
        stale.unlink()
    for case in CASES:
        case.path.parent.mkdir(exist_ok=True)
        case.path.write_text(case.text)


def _difference(path: Path, found: dict[Path, str], expected: dict[Path, str]) -> str:
    if path not in found:
        return "is missing"
    return "differs from what the code makes" if path in expected else "belongs to no case"
