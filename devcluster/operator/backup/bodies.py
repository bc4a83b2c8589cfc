"""Small pure steps on objects' bodies that every kind of KubeStash needs: conditions, references, names."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from devcluster.operator.kube import Body
from devcluster.operator.phases import timestamp
from devcluster.operator.resources import Resource

MAX_NAME_LENGTH = 63


class Place(NamedTuple):
    """The namespace and the name of an object."""

    namespace: str
    name: str


def place_of(body: Mapping[str, Body]) -> Place:
    """Give where an object is."""
    return Place(str(body["metadata"]["namespace"]), str(body["metadata"]["name"]))


def referred(reference: Body | None, namespace: str) -> Place | None:
    """Give where a reference points to; without a namespace it stays in the one given."""
    if not reference or not reference.get("name"):
        return None
    return Place(str(reference.get("namespace") or namespace), str(reference["name"]))


def status_of(body: Body) -> Body:
    """Give the status, empty when there is none."""
    return body.get("status") or {}


def phase_of(body: Body | None) -> str:
    """Give the phase, empty when there is none."""
    return str(status_of(body or {}).get("phase", ""))


def annotation(body: Body, name: str) -> str:
    """Give an annotation, empty when there is none."""
    return str((body["metadata"].get("annotations") or {}).get(name, ""))


def is_leaving(body: Body) -> bool:
    """Tell whether the object is being deleted."""
    return bool(body["metadata"].get("deletionTimestamp"))


def with_condition(
    conditions: Sequence[Body] | None, kind: str, *, holds: bool, reason: str, message: str
) -> list[Body]:
    """Give the conditions with one of them set; its transition time moves only when its status does."""
    fresh: Body = {"type": kind, "status": str(holds), "reason": reason, "message": message}
    fresh["lastTransitionTime"] = timestamp()
    merged: list[Body] = []
    for one in conditions or []:
        if one["type"] != kind:
            merged.append(one)
        elif one["status"] == fresh["status"]:
            fresh["lastTransitionTime"] = one["lastTransitionTime"]
    return [*merged, fresh]


def owner_reference(resource: Resource, body: Mapping[str, Body]) -> Body:
    """Give the reference to the object that another one goes with."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": body["metadata"]["name"],
        "uid": body["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def fitting_name(*words: str) -> str:
    """Join words to a name; one that is too long ends in a checksum instead, so that two never become the same."""
    name = "-".join(words)
    if len(name) <= MAX_NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MAX_NAME_LENGTH - 9].rstrip('-.')}-{digest}"


def session_name(configuration: str, session: str, unix_seconds: int) -> str:
    """Name the run of a session that a moment asks for: the same moment always gives the same name."""
    stamp = str(unix_seconds)
    base = f"{configuration}-{session}"
    if len(base) + len(stamp) + 1 <= MAX_NAME_LENGTH:
        return f"{base}-{stamp}"
    digest = hashlib.sha256(base.encode()).hexdigest()[:8]
    return f"{base[: MAX_NAME_LENGTH - len(stamp) - 10].rstrip('-.')}-{digest}-{stamp}"
