"""The caps on size: a file, a function, how deep it nests. `python -m tests.architecture.sizes` checks the whole tree."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES = 300
TEST_FILE_LINES = 400
FUNCTION_LINES = 40
NESTING = 3
_BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Excess:
    """Something that is over its cap."""

    where: str
    what: str


def sources() -> list[Path]:
    """Return every Python file of the project but migrations, which are written by Django."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        ROOT / name for name in listed.stdout.splitlines() if "/migrations/" not in name and (ROOT / name).is_file()
    ]


def excesses_in(path: Path, text: str) -> Iterator[Excess]:
    """Yield what is over its cap in one file."""
    name = str(path.relative_to(ROOT))
    lines = text.count("\n")
    cap = TEST_FILE_LINES if name.startswith("tests/") else FILE_LINES
    if lines > cap:
        yield Excess(name, f"{lines} lines, {cap} allowed")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, _Function):
            yield from _excesses_of(node, name)


def _excesses_of(function: _Function, name: str) -> Iterator[Excess]:
    where = f"{name}:{function.lineno} {function.name}"
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if lines > FUNCTION_LINES:
        yield Excess(where, f"{lines} lines, {FUNCTION_LINES} allowed")
    depth = max((_depth(child) for child in function.body), default=0)
    if depth > NESTING:
        yield Excess(where, f"nests {depth} deep, {NESTING} allowed")


def _depth(node: ast.AST) -> int:
    if isinstance(node, _Function | ast.ClassDef | ast.Lambda):
        return 0
    if isinstance(node, ast.If):
        return 1 + max(*(_depth(child) for child in node.body), _tail_depth(node.orelse), 0)
    inner = max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, _BLOCKS)


def _tail_depth(orelse: list[ast.stmt]) -> int:
    """Return the depth of an else branch; an `elif` is no level of its own."""
    if len(orelse) == 1 and isinstance(orelse[0], ast.If):
        return _depth(orelse[0]) - 1
    return max((_depth(child) for child in orelse), default=0)


def main() -> int:
    """Print what is over its cap, and return 1 if anything is."""
    found = [excess for path in sources() for excess in excesses_in(path, path.read_text(encoding="utf-8"))]
    for excess in found:
        print(f"{excess.where}: {excess.what}")  # noqa: T201 -- a command
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
