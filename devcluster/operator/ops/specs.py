"""Reads and changes places in a database's spec; pure."""

from collections.abc import Sequence

from devcluster.operator.kube import Body


def place(spec: Body, path: Sequence[str]) -> Body:
    """Give the dict at a path, made where it is missing."""
    here = spec
    for key in path:
        if here.get(key) is None:
            here[key] = {}
        here = here[key]
    return here


def patch_between(old: Body, new: Body) -> Body:
    """Give the merge patch that makes the old spec the new one; what was removed becomes null."""
    patch: Body = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            inner = patch_between(before, value)
            if inner:
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch
