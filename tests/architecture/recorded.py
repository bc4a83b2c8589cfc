"""Read from the source which acts the product puts on record."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sizes import ROOT, sources

PRODUCT = ("accounts/", "dbaas/", "provisioning/", "tenants/", "webhooks/")
_ACTION = re.compile(r"[a-z_<>]+(\.[a-z_<>]+)+")


def recorded_actions() -> dict[str, str]:
    """Return each action that some file can record, with the file; `<>` stands for a part that is only known at run time.

    A dotted text in a file that uses `audit` is taken for an action, unless it is the code of an error.
    """
    return {action: name for name, tree in _recording() for action in _dotted(tree)}


def _recording() -> Iterator[tuple[str, ast.Module]]:
    for path in sources():
        name = str(Path(path).relative_to(ROOT))
        if name.startswith(PRODUCT) and "/migrations/" not in name:
            text = path.read_text(encoding="utf-8")
            if name == "accounts/audit.py" or re.search(r"^from accounts import .*\baudit\b", text, re.MULTILINE):
                yield name, ast.parse(text)


def _dotted(tree: ast.Module) -> Iterator[str]:
    codes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) and _names_code(node)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in codes or id(node) in inner:
            continue
        text = _text(node)
        if text is not None and _ACTION.fullmatch(text) and re.search("[a-z]", text):
            yield text


def _names_code(node: ast.Assign) -> bool:
    return any(isinstance(target, ast.Name) and target.id == "code" for target in node.targets)


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "<>" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
