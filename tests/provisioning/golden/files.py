"""The golden files on disk against what the code makes now."""

from collections.abc import Collection
from pathlib import Path

from tests.provisioning.golden.cases import CASES, FOLDER


def problems(folder: Path = FOLDER) -> list[str]:
    """Return one line for every file that is missing, differs, or belongs to no case."""
    expected = {case.file: case.text for case in CASES}
    found = {path.relative_to(folder): path.read_text() for path in folder.glob("*/*.yaml")}
    return [
        f"{file}: {_difference(file, found, expected)}"
        for file in sorted(found.keys() | expected.keys())
        if found.get(file) != expected.get(file)
    ]


def write(folder: Path = FOLDER) -> None:
    """Make the files as the code has it now."""
    for stale in folder.glob("*/*.yaml"):
        stale.unlink()
    for case in CASES:
        path = folder / case.file
        path.parent.mkdir(exist_ok=True)
        path.write_text(case.text)


def _difference(file: Path, found: Collection[Path], expected: Collection[Path]) -> str:
    if file not in found:
        return "is missing"
    return "differs from what the code makes" if file in expected else "belongs to no case"
