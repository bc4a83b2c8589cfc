"""The three classic patch formats as pure functions on JSON: RFC 6902, RFC 7386 and Kubernetes' strategic merge."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from devcluster.apiserver.errors import Body, bad_request, invalid, invalid_field

MERGE_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "ports": ("containerPort", "port"),
    "conditions": ("type",),
    "addresses": ("type",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey",),
}
"""Lists of built-in kinds that merge by a key; the first candidate that an item carries counts."""

PRIMITIVE_SETS = frozenset({"finalizers"})
"""Lists of plain values that merge as sets in a strategic patch."""


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply an RFC 7386 merge patch and give the result; the target stays as it is."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def json_patch(target: Body, operations: object) -> Any:
    """Apply an RFC 6902 patch and give the result, None when nothing is left; the target stays as it is.

    Raises: ApiError — 400 for a malformed patch, 422 when an operation does not fit the object.
    """
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    document: Any = {"": copy.deepcopy(target)}
    for operation in operations:
        try:
            _apply_operation(document, operation)
        except (AttributeError, KeyError, IndexError, ValueError, TypeError) as error:
            why = f"the server rejected our request due to an error in our request: {operation}: {error}"
            raise invalid("", "", "", [invalid_field("patch", str(operation), why)]) from error
    return document.get("")


def _tokens(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(f'pointer "{pointer}" does not start with "/"')
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")]


def _walk(document: Any, tokens: Sequence[str]) -> Any:
    for token in tokens:
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document


def _apply_operation(document: Any, operation: Mapping[str, Any]) -> None:
    verb, tokens = operation["op"], _tokens(operation["path"])
    parent, last = _walk(document, tokens[:-1]), tokens[-1]
    if verb == "test":
        if _walk(parent, [last]) != operation.get("value"):
            raise ValueError("testing value failed")
    elif verb == "remove":
        _remove(parent, last)
    elif verb == "replace":
        _walk(parent, [last])
        parent[int(last) if isinstance(parent, list) else last] = operation["value"]
    elif verb == "add":
        _add(parent, last, operation["value"])
    elif verb in {"move", "copy"}:
        source = _tokens(operation["from"])
        value = copy.deepcopy(_walk(document, source))
        if verb == "move":
            _remove(_walk(document, source[:-1]), source[-1])
        _add(_walk(document, tokens[:-1]), last, value)
    else:
        raise ValueError(f'unexpected kind "{verb}"')


def _remove(parent: Any, last: str) -> None:
    del parent[int(last) if isinstance(parent, list) else last]


def _add(parent: Any, last: str, value: Any) -> None:
    if not isinstance(parent, list):
        parent[last] = value
    elif last == "-":
        parent.append(value)
    elif 0 <= int(last) <= len(parent):
        parent.insert(int(last), value)
    else:
        raise IndexError(f"index {last} is out of bounds")


def strategic_merge(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch and give the result; the target stays as it is."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    is_fresh = patch.get("$patch") in {"delete", "replace"} or not isinstance(target, dict)
    result = {} if is_fresh else dict(target)
    kept = patch.get("$retainKeys")
    if kept is not None:
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(result, key, value)
    for key, value in patch.items():
        directive, _, name = key.partition("/")
        if directive == "$deleteFromPrimitiveList":
            result[name] = [item for item in result.get(name) or () if item not in value]
        elif directive == "$setElementOrder":
            result[name] = _ordered(name, result.get(name), value)
    return result


def _merge_field(result: Body, key: str, value: Any) -> None:
    current = result.get(key)
    if value is None:
        result.pop(key, None)
    elif isinstance(value, list) and key in PRIMITIVE_SETS:
        result[key] = [*(current or ()), *(item for item in value if item not in (current or ()))]
    elif isinstance(value, list) and key in MERGE_KEYS:
        result[key] = _merge_list(key, current or [], value)
    else:
        result[key] = strategic_merge(current, value)


def merge_key(list_name: str, item: object) -> str | None:
    """Give the field that identifies an item of a keyed list, None for a list without keys."""
    if not isinstance(item, dict):
        return None
    return next((key for key in MERGE_KEYS.get(list_name, ()) if key in item), None)


def _merge_list(list_name: str, current: Sequence[Any], patch: Sequence[Any]) -> list[Any]:
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    result = list(current)
    for item in patch:
        key = merge_key(list_name, item)
        if key is None:
            result.append(item)
            continue
        place = next((index for index, one in enumerate(result) if one.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            result = [one for one in result if one.get(key) != item[key]]
        elif place is None:
            result.append(strategic_merge({}, item))
        else:
            result[place] = strategic_merge(result[place], item)
    return result


def _ordered(list_name: str, items: Sequence[Any] | None, order: Sequence[Any]) -> list[Any]:
    """Sort what the order names; what it does not name keeps its place behind."""

    def rank(item: Any) -> int:
        key = merge_key(list_name, item)
        for position, wanted in enumerate(order):
            if (wanted == item) if key is None else (wanted.get(key) == item[key]):
                return position
        return len(order)

    return sorted(items or (), key=rank)
