"""What a cluster's refusal means for a step: again later, never, or one of the two conflicts that steps know how to read."""

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from dbaas.core.errors import Permanent, Transient
from dbaas.core.redaction import redact


class ClusterUnavailable(Transient):
    """The cluster's API did not answer in time, or not at all."""

    code = "cluster.unavailable"
    counts_as_try = False


class ClusterBusy(Transient):
    """The cluster's API asked us to come back later."""

    code = "cluster.busy"


class ClusterConflict(Transient):
    """Somebody else changed the object at the same time."""

    code = "cluster.conflict"


class ClusterLogin(Transient):
    """The cluster's API did not accept our credentials."""

    code = "cluster.unauthenticated"


class ClusterForbids(Permanent):
    """The cluster's API forbids this to us, or its admission rules refused it."""

    code = "cluster.forbidden"


class ClusterRefuses(Permanent):
    """The cluster's API does not accept this object as it stands."""

    code = "cluster.refused"


class ObjectMissing(Permanent):
    """The object is not in the cluster."""

    code = "cluster.object_missing"


class AlreadyExists(Permanent):
    """An object of this name is in the cluster already."""

    code = "cluster.already_exists"


class VersionExpired(Transient):
    """The watch asked for changes older than the cluster remembers: list again."""

    code = "cluster.version_expired"


class CalledInTransaction(RuntimeError):
    """The cluster was called while a database transaction was open: a slow cluster would hold locks, and a rollback would not undo the call."""


_BY_STATUS: dict[int, type[Permanent | Transient]] = {
    HTTPStatus.UNAUTHORIZED: ClusterLogin,
    HTTPStatus.FORBIDDEN: ClusterForbids,
    HTTPStatus.NOT_FOUND: ObjectMissing,
    HTTPStatus.CONFLICT: ClusterConflict,
    HTTPStatus.GONE: VersionExpired,
    HTTPStatus.TOO_MANY_REQUESTS: ClusterBusy,
}

_MEANT_WITHOUT_STATUS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
"""A proxy that speaks for the cluster means the same by these."""


def error_from(
    status: int, reason_text: str, body: bytes, headers: Mapping[str, str], action: str
) -> Permanent | Transient:
    """Return the error that an answer of the Kubernetes API stands for; `action` says in words what was tried.

    Only a `Status` object counts as a refusal: the 403 or 404 of a proxy in between says nothing about the object, and taking it for
    "there is none" would lose a customer's database.
    """
    refusal = _status_in(body)
    message = str((refusal or {}).get("message") or reason_text or "no reason given")[:1000]
    found = _class_of(status, refusal)
    detail = redact(f"{action}: {message}")
    if issubclass(found, Transient):
        return found(detail, retry_after=_retry_after(headers))
    return found(detail)


def _class_of(status: int, refusal: Mapping[str, object] | None) -> type[Permanent | Transient]:
    if refusal is None:
        return _BY_STATUS[status] if status in _MEANT_WITHOUT_STATUS else ClusterUnavailable
    if refusal.get("reason") == "AlreadyExists":
        return AlreadyExists
    otherwise = ClusterUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ClusterRefuses
    return _BY_STATUS.get(status, otherwise)


def _status_in(body: bytes) -> Mapping[str, object] | None:
    """Return the `Status` object in an answer; a body that is none could hold anything and is dropped."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) and parsed.get("kind") == "Status" else None


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    text = headers.get("Retry-After", "")
    return timedelta(seconds=min(int(text), 300)) if text.isdigit() else None
