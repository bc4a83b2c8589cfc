"""Merges configuration files of engines: what is set later wins, what is not named stays. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

import yaml

STRUCTURED = (".yml", ".yaml", "mongod.conf")
"""The endings of files that are YAML; all others have one setting per line."""


def merged_files(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """Merge files by name."""
    result = dict(first)
    for name, text in then.items():
        merge = _merged_yaml if name.endswith(STRUCTURED) else _merged_lines
        result[name] = merge(result[name], text) if name in result else text
    return result


def setting_name(line: str) -> str:
    """Give the name that a line sets: what is before the equals sign or the first space; empty for none."""
    words = line.replace("=", " ").split()
    return words[0].lower() if words and not line.lstrip().startswith("#") else ""


def _merged_lines(first: str, then: str) -> str:
    named = {setting_name(line) for line in then.splitlines()}
    kept = [line for line in first.splitlines() if setting_name(line) not in named]
    return "\n".join([*kept, *then.splitlines(), ""])


def _merged_yaml(first: str, then: str) -> str:
    try:
        trees = yaml.safe_load(first), yaml.safe_load(then)
    except yaml.YAMLError:
        return then
    if not all(isinstance(tree, dict) for tree in trees):
        return then
    return yaml.safe_dump(_merged_tree(*trees), sort_keys=False)


def _merged_tree(first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    result = copy.deepcopy(first)
    for key, value in then.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged_tree(result[key], value) if both else value
    return result
