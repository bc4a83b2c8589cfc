"""What the chart's values are: their defaults and their meaning, as values.yaml has them. Other files of the chart are made from it."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.deploy.commands import ROOT

CHART = ROOT / "deploy/helm/dbaas"
_KEY = re.compile(r"^( *)(\w+):")
_COMMENT = re.compile(r"^ *# -- (.*)$")
SHARED = ("web.", "worker.")
"""Whose meanings hold for values of the same name in other places."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value that can be set; a mapping with a comment of its own is one value."""

    path: str
    default: Any
    meaning: str


@cache
def defaults() -> dict[str, Any]:
    """Return what values.yaml says."""
    loaded: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    return loaded


@cache
def values() -> list[Value]:
    """Return every value in the order of the file."""
    return list(_leaves(defaults(), "", _meanings()))


def _meanings() -> dict[str, str]:
    """Return what the comment above each key says, by the key's path."""
    found: dict[str, str] = {}
    path: list[str] = []
    comment = ""
    for line in (CHART / "values.yaml").read_text(encoding="utf-8").splitlines():
        if told := _COMMENT.match(line):
            comment = told[1]
        elif key := _KEY.match(line):
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment:
                found[".".join(path)] = comment
            comment = ""
    return found


def _leaves(node: dict[str, Any], prefix: str, meanings: dict[str, str]) -> Any:
    for name, default in node.items():
        path = f"{prefix}{name}"
        if isinstance(default, dict) and default and not _meaning(path, meanings):
            yield from _leaves(default, f"{path}.", meanings)
        else:
            yield Value(path=path, default=default, meaning=_meaning(path, meanings))


def _meaning(path: str, meanings: dict[str, str]) -> str:
    inside = path.partition(".")[2]
    alike = [meanings.get(f"{shared}{inside}", "") for shared in SHARED] if inside else []
    return next(filter(None, [meanings.get(path, ""), *alike]), "")
