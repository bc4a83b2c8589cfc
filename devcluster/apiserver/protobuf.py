"""Reads the protobuf bodies that kubectl sends for a few built-in kinds (`kubectl create namespace`, `auth can-i`).

Only the fields that those commands set are known; a kind that is not in `_KINDS` is refused, as a server without
protobuf would. Answers are always JSON, which every client accepts. Source of numbers: the published API definitions.
"""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from devcluster.apiserver.errors import Body, bad_request, unsupported_media_type

MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Shape = Mapping[int, tuple[str, Any]]
"""Field number to name and type: a word of `_scalar`, a nested shape, or a one-element list for repeated fields."""

_OWNER: Shape = {1: ("kind", "text"), 3: ("name", "text"), 4: ("uid", "text"), 5: ("apiVersion", "text"),
                 6: ("controller", "bool"), 7: ("blockOwnerDeletion", "bool")}  # fmt: skip
_METADATA: Shape = {
    1: ("name", "text"), 2: ("generateName", "text"), 3: ("namespace", "text"), 5: ("uid", "text"),
    6: ("resourceVersion", "text"), 11: ("labels", {"text": "text"}), 12: ("annotations", {"text": "text"}),
    13: ("ownerReferences", [_OWNER]), 14: ("finalizers", ["text"]),
}  # fmt: skip
_RULE: Shape = {1: ("verbs", ["text"]), 2: ("apiGroups", ["text"]), 3: ("resources", ["text"]),
                4: ("resourceNames", ["text"]), 5: ("nonResourceURLs", ["text"])}  # fmt: skip
_SUBJECT: Shape = {1: ("kind", "text"), 2: ("apiGroup", "text"), 3: ("name", "text"), 4: ("namespace", "text")}
_ROLE_REF: Shape = {1: ("apiGroup", "text"), 2: ("kind", "text"), 3: ("name", "text")}
_ATTRIBUTES: Shape = {1: ("namespace", "text"), 2: ("verb", "text"), 3: ("group", "text"), 4: ("version", "text"),
                      5: ("resource", "text"), 6: ("subresource", "text"), 7: ("name", "text")}  # fmt: skip
_ROLE: Shape = {1: ("metadata", _METADATA), 2: ("rules", [_RULE])}
_BINDING: Shape = {1: ("metadata", _METADATA), 2: ("subjects", [_SUBJECT]), 3: ("roleRef", _ROLE_REF)}

_KINDS: Mapping[str, Shape] = {
    "Namespace": {1: ("metadata", _METADATA), 2: ("spec", {1: ("finalizers", ["text"])})},
    "Secret": {1: ("metadata", _METADATA), 2: ("data", {"text": "base64"}), 3: ("type", "text"),
               4: ("stringData", {"text": "text"}), 5: ("immutable", "bool")},
    "ConfigMap": {1: ("metadata", _METADATA), 2: ("data", {"text": "text"}), 3: ("binaryData", {"text": "base64"}),
                  4: ("immutable", "bool")},
    "ServiceAccount": {1: ("metadata", _METADATA)},
    "Role": _ROLE,
    "ClusterRole": _ROLE,
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "SelfSubjectAccessReview": {1: ("metadata", _METADATA), 2: ("spec", {1: ("resourceAttributes", _ATTRIBUTES)})},
    "SelfSubjectReview": {1: ("metadata", _METADATA)},
    "TokenRequest": {1: ("metadata", _METADATA), 2: ("spec", {1: ("audiences", ["text"]), 4: ("expirationSeconds", "int")})},
    "DeleteOptions": {1: ("gracePeriodSeconds", "int"), 3: ("orphanDependents", "bool"),
                      2: ("preconditions", {1: ("uid", "text"), 2: ("resourceVersion", "text")}),
                      4: ("propagationPolicy", "text"), 5: ("dryRun", ["text"])},
}  # fmt: skip
_ENVELOPE: Shape = {1: ("type", {1: ("apiVersion", "text"), 2: ("kind", "text")}), 2: ("raw", "raw")}


def parse(body: bytes) -> Body:
    """Read an object.

    Raises: ApiError — 415 for a kind that we do not know in this form, 400 for bytes that are no message.
    """
    if not body.startswith(MAGIC):
        raise bad_request("the body is no Kubernetes protobuf message")
    try:
        envelope = _message(body[len(MAGIC) :], _ENVELOPE)
        shape = _KINDS.get(envelope["type"]["kind"])
        if shape is None:
            raise unsupported_media_type(["application/json", "application/yaml"])
        return {**envelope["type"], **_message(envelope.get("raw", b""), shape)}
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise bad_request("the body is no Kubernetes protobuf message") from error


def _varint(source: bytes, position: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = source[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004 — the top bit says that more follows
            return value, position


def _fields(source: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(source):
        tag, position = _varint(source, position)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, position = _varint(source, position)
            yield number, value
            continue
        if wire == _BYTES:
            size, position = _varint(source, position)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[wire]
        yield number, source[position : position + size]
        position += size


def _message(source: bytes, shape: Shape) -> Body:
    result: Body = {}
    for number, value in _fields(source):
        if number not in shape:
            continue
        name, kind = shape[number]
        if isinstance(kind, list):
            result.setdefault(name, []).append(_value(value, kind[0]))
        elif isinstance(kind, dict) and "text" in kind:
            pair = dict(_fields(value))
            result.setdefault(name, {})[pair.get(1, b"").decode()] = _value(pair.get(2, b""), kind["text"])
        else:
            result[name] = _value(value, kind)
    # Go writes empty texts out; absent and empty mean the same in these kinds.
    return {name: value for name, value in result.items() if value != ""}


def _value(value: Any, kind: Any) -> Any:
    if isinstance(kind, dict):
        return _message(value, kind)
    if kind == "text":
        return value.decode()
    if kind == "base64":
        return base64.b64encode(value).decode()
    return bool(value) if kind == "bool" else value
