"""Who owns which field: `managedFields` and server-side apply. Paths are tuples of FieldsV1 tokens such as `f:spec`.

Simpler than the real algorithm: ownership is kept for leaves only, and type changes of a field are not tracked.
"""

import copy
import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

from devcluster.apiserver.errors import Body, Cause, apply_conflict
from devcluster.apiserver.patches import PRIMITIVE_SETS, merge_key

Path = tuple[str, ...]
Leaves = dict[Path, Any]
ListKeys = Callable[[Path, Any], tuple[str, ...]]

_IDENTITY = frozenset({("f:apiVersion",), ("f:kind",)})
_CONTAINERS = frozenset({("f:metadata",), ("f:spec",), ("f:status",)})
_SYSTEM = frozenset(
    ("f:metadata", f"f:{name}")
    for name in ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields",
                 "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generateName")
)  # fmt: skip


def built_in_keys(path: Path, item: Any) -> tuple[str, ...]:
    """Give the merge key of a list of a built-in kind, or of any object's metadata."""
    key = merge_key(path[-1].removeprefix("f:"), item)
    return (key,) if key else ()


def leaves(value: Any, list_keys: ListKeys, path: Path = ()) -> Leaves:
    """Flatten an object into the leaves that somebody can own."""
    if path in _SYSTEM or path in _IDENTITY:
        return {}
    found: Leaves = {}
    children = list(_children(value, list_keys, path))
    for token, child in children:
        found.update(leaves(child, list_keys, (*path, token)))
    if not children and path and path not in _CONTAINERS:
        found[path] = value
    return found


def _children(value: Any, list_keys: ListKeys, path: Path) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield f"f:{name}", child
    elif isinstance(value, list) and path[-1].removeprefix("f:") in PRIMITIVE_SETS:
        for item in value:
            yield f"v:{json.dumps(item)}", item
    elif isinstance(value, list) and value and all(list_keys(path, item) for item in value):
        for item in value:
            yield _item_token(item, list_keys(path, item)), item


def _item_token(item: Body, keys: tuple[str, ...]) -> str:
    return "k:" + json.dumps({key: item.get(key) for key in keys}, separators=(",", ":"))


def _to_tree(paths: set[Path]) -> Body:
    tree: Body = {}
    for path in sorted(paths):
        node = tree
        for token in path:
            node = node.setdefault(token, {})
    return tree


def _from_tree(tree: Body, path: Path = ()) -> set[Path]:
    found: set[Path] = set()
    for token, child in tree.items():
        if token != ".":  # noqa: S105 — a FieldsV1 token
            found |= _from_tree(child, (*path, token))
    return found or ({path} if path else set())


def _owned(entry: Body) -> set[Path]:
    return _from_tree(entry.get("fieldsV1") or {})


def _is_of(entry: Body, name: str, operation: str, subresource: str) -> bool:
    same = (entry.get("manager"), entry.get("operation"), entry.get("subresource", ""))
    return same == (name, operation, subresource)


def _entry(name: str, operation: str, subresource: str, api_version: str, paths: set[Path]) -> Body:
    entry = {
        "manager": name,
        "operation": operation,
        "apiVersion": api_version,
        "time": dt.datetime.now(tz=dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fieldsType": "FieldsV1",
        "fieldsV1": _to_tree(paths),
    }
    return {**entry, "subresource": subresource} if subresource else entry


def record_update(old: Body | None, new: Body, *, owner: str, subresource: str, list_keys: ListKeys) -> None:
    """Set `managedFields` of the new object: who changed a field owns it, and nobody else does."""
    before = leaves(old, list_keys) if old else {}
    after = leaves(new, list_keys)
    entries = list((old or new)["metadata"].get("managedFields") or ()) if old else []
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    gone = before.keys() - after.keys()
    if not changed and not gone:
        _set_entries(new, entries)
        return
    kept, mine = [], changed
    for entry in entries:
        paths = _owned(entry)
        if _is_of(entry, owner, "Update", subresource):
            mine = (paths | changed) - gone
        elif paths & (changed | gone):
            paths -= changed | gone
            kept += [{**entry, "fieldsV1": _to_tree(paths)}] if paths else []
        else:
            kept.append(entry)
    if mine:
        kept.append(_entry(owner, "Update", subresource, new["apiVersion"], mine))
    _set_entries(new, kept)


def _set_entries(body: Body, entries: list[Body]) -> None:
    if entries:
        body["metadata"]["managedFields"] = entries
    else:
        body["metadata"].pop("managedFields", None)


def apply(live: Body, wanted: Body, *, owner: str, subresource: str, is_forced: bool, list_keys: ListKeys) -> Body:
    """Merge what an applier wants into the live object and give the result with its new `managedFields`.

    Raises: ApiError — 409, when another owner has a different value for a field and `force` was not given.
    """
    now, desired = leaves(live, list_keys), leaves(wanted, list_keys)
    entries = list(live["metadata"].get("managedFields") or ())
    differing = {path for path, value in desired.items() if path in now and now[path] != value}
    mine: set[Path] = set()
    others: list[tuple[Body, set[Path]]] = []
    for entry in entries:
        if _is_of(entry, owner, "Apply", subresource):
            mine = _owned(entry)
        else:
            others.append((entry, _owned(entry)))
    if not is_forced:
        _require_no_conflict(differing, others)
    owned_elsewhere = set().union(*(paths for _, paths in others))
    result: Body = merge(live, wanted, list_keys)
    for path in sorted(mine - desired.keys() - owned_elsewhere):
        _remove(result, path)
    kept = [
        {**entry, "fieldsV1": _to_tree(paths - differing)} if paths & differing else entry
        for entry, paths in others
        if paths - differing
    ]
    kept.append(_entry(owner, "Apply", subresource, wanted["apiVersion"], set(desired)))
    _set_entries(result, _with_old_time(kept, entries))
    return result


def _with_old_time(entries: list[Body], before: list[Body]) -> list[Body]:
    """Keep an entry's time when nothing else of it changed, so that applying twice changes nothing."""
    known = {json.dumps({**entry, "time": ""}, sort_keys=True): entry for entry in before}
    return [known.get(json.dumps({**entry, "time": ""}, sort_keys=True), entry) for entry in entries]


def _require_no_conflict(differing: set[Path], others: list[tuple[Body, set[Path]]]) -> None:
    causes = [
        Cause(
            reason="FieldManagerConflict",
            field=readable(path),
            message=f'conflict with "{entry["manager"]}"' + _using(entry),
        )
        for entry, paths in others
        for path in sorted(paths & differing)
    ]
    if causes:
        raise apply_conflict(causes)


def _using(entry: Body) -> str:
    return "" if entry.get("operation") == "Apply" else f" using {entry.get('apiVersion')}"


def readable(path: Path) -> str:
    """Give a path as messages show it, `.spec.containers[name="app"].image`."""
    text = ""
    for token in path:
        kind, _, rest = token.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text


def merge(live: Any, wanted: Any, list_keys: ListKeys, path: Path = ()) -> Any:
    """Lay one object over another, item by item where a list has keys."""
    if isinstance(live, dict) and isinstance(wanted, dict):
        merged = {**live}
        for name, value in wanted.items():
            merged[name] = merge(live.get(name), value, list_keys, (*path, f"f:{name}"))
        return merged
    if isinstance(live, list) and isinstance(wanted, list):
        old, new = (list(_children(items, list_keys, path)) for items in (live, wanted))
        if len(old) == len(live) and len(new) == len(wanted) and (old or new):
            return _merge_items(old, new, list_keys, path)
    return copy.deepcopy(wanted)


def _merge_items(old: list[tuple[str, Any]], new: list[tuple[str, Any]], list_keys: ListKeys, path: Path) -> list[Any]:
    merged = dict(old)
    for token, item in new:
        merged[token] = merge(merged.get(token), item, list_keys, (*path, token))
    return list(merged.values())


def _remove(body: Any, path: Path) -> None:
    """Take a leaf away, and the containers that only existed for it."""
    kind, _, rest = path[0].partition(":")
    if kind == "f" and isinstance(body, dict) and rest in body:
        if len(path) > 1:
            _remove(body[rest], path[1:])
        if len(path) == 1 or body[rest] in ({}, []):
            del body[rest]
    elif kind == "v" and isinstance(body, list):
        body[:] = [item for item in body if json.dumps(item) != rest]
    elif kind == "k" and isinstance(body, list):
        _remove_from_item(body, json.loads(rest), path[1:])


def _remove_from_item(items: list[Any], keys: Body, path: Path) -> None:
    for item in [one for one in items if all(one.get(name) == value for name, value in keys.items())]:
        if path:
            _remove(item, path)
        if not path or all(name not in item for name in keys):
            items.remove(item)
