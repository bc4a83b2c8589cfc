"""Brings one object of the API server to what it should be: creates what is missing, patches what differs.

Only the fields that we set are compared; what the server or others added stays.
"""

from typing import Any

from devcluster.operator.database import INSTANCE_LABEL, NAME_LABEL, Database
from devcluster.operator.kube import Body, ConflictError, Kube
from devcluster.operator.resources import Resource


class ForeignObjectError(Exception):
    """An object of the wanted name belongs to somebody else."""


async def ensure_created(kube: Kube, resource: Resource, wanted: Body) -> tuple[Body, bool]:
    """Create the object unless it exists; tell also whether it was created."""
    namespace, name = wanted["metadata"]["namespace"], wanted["metadata"]["name"]
    found = await kube.find(resource, namespace, name)
    if found is not None:
        return found, False
    try:
        return await kube.create(resource, wanted), True
    except ConflictError:
        return await kube.get(resource, namespace, name), False


async def ensure(kube: Kube, resource: Resource, wanted: Body) -> tuple[Body, bool]:
    """Create the object, or patch what differs; tell also whether it was created. Raises: ForeignObjectError."""
    found, created = await ensure_created(kube, resource, wanted)
    if created:
        return found, True
    labels, ours = found["metadata"].get("labels") or {}, wanted["metadata"]["labels"]
    if any(labels.get(key, ours[key]) != ours[key] for key in (NAME_LABEL, INSTANCE_LABEL)):
        raise ForeignObjectError(f"{resource.kind} {found['metadata']['name']} belongs to another database.")
    patch = difference(found, wanted)
    if not patch:
        return found, False
    return await kube.patch(resource, found["metadata"]["namespace"], found["metadata"]["name"], patch), False


def refuse_foreign_secret(db: Database, secret: Body) -> None:
    """Refuse an auth secret that is labelled as another database's. Raises: ForeignObjectError."""
    labels = secret["metadata"].get("labels") or {}
    if any(labels.get(key, db.selector[key]) != db.selector[key] for key in (NAME_LABEL, INSTANCE_LABEL)):
        raise ForeignObjectError(f"auth secret {secret['metadata']['name']} is owned by a different resource.")


def difference(found: Body, wanted: Body) -> Body:
    """Give the merge patch that brings the wanted fields into the found object; empty when they are there."""
    patch: Body = {}
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(found.get(key), dict):
            inner = difference(found[key], value)
            if inner:
                patch[key] = inner
        elif not _contains(found.get(key), value):
            patch[key] = value
    return patch


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_contains(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_contains, found, wanted))
    return bool(found == wanted) or (not wanted and not found)
