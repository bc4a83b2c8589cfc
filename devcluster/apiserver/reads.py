"""Get and list, with selectors, pages that stay consistent, and lists of the past."""

import base64
import binascii

import orjson

from devcluster.apiserver import selectors
from devcluster.apiserver.errors import ApiError, Body, bad_request, expired
from devcluster.apiserver.representation import Representation
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Key, Store


class Reader:
    """Answers reads from the store; it changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, request: Request) -> bytes:
        """Give one object as JSON.

        Raises: ApiError — 404.
        """
        stored = self._store.get(request.key)
        if stored is None:
            raise request.missing()
        return stored

    def selection(self, request: Request) -> selectors.Selection:
        """Read the request's selectors; a name in the path selects that one object."""
        fields = request.query.get("fieldSelector", "")
        if request.name:
            fields = f"{fields},metadata.name={request.name}"
        return selectors.parse(request.query.get("labelSelector", ""), fields, request.resource.key)

    def selected(self, request: Request, form: Representation) -> list[tuple[Key, Body]]:
        """Give the objects of now that a request is about, for watches and deletions of many."""
        selection = self.selection(request)
        rows = self._store.list_objects(request.resource.key, request.namespace)
        bodies = [(key, form.body(request.resource, stored)) for key, stored in rows]
        return [(key, body) for key, body in bodies if selection.matches(body)]

    def listing(self, request: Request, form: Representation) -> Body:
        """Give a list, or the page of one.

        Raises: ApiError — 400 for a bad parameter, 410 when the page's list is too old.
        """
        limit = request.integer("limit", 0)
        revision, start, rows = self._rows(request)
        selection = self.selection(request)
        matching = []
        for key, stored in rows:
            if (key.namespace, key.name) <= start:
                continue
            body = form.body(request.resource, stored)
            if selection.matches(body):
                matching.append((key, body))
        metadata: Body = {"resourceVersion": str(revision)}
        if 0 < limit < len(matching):
            last = matching[limit - 1][0]
            metadata["continue"] = _encode(revision, last)
            if selection.is_everything:
                metadata["remainingItemCount"] = len(matching) - limit
            matching = matching[:limit]
        return form.listing(request.resource, [body for _, body in matching], metadata)

    def _rows(self, request: Request) -> tuple[int, tuple[str, str], list[tuple[Key, bytes]]]:
        token = request.query.get("continue", "")
        resource, namespace = request.resource.key, request.namespace
        if token:
            revision, start = _decode(token)
            if revision < self._store.compacted:
                raise expired(
                    "The provided continue parameter is too old to display a consistent list result. You can start a"
                    " new list without the continue parameter."
                )
            return revision, start, self._store.list_at(resource, namespace, revision)
        wanted = request.integer("resourceVersion", 0)
        require_reached(wanted, self._store.revision)
        if request.query.get("resourceVersionMatch") == "Exact" and wanted:
            if wanted < self._store.compacted:
                raise expired(f"The resourceVersion for the provided list is too old: {wanted}.")
            return wanted, ("", ""), self._store.list_at(resource, namespace, wanted)
        return self._store.revision, ("", ""), self._store.list_objects(resource, namespace)


def require_reached(wanted: int, current: int) -> None:
    """Let a resourceVersion pass that this server has already given out.

    Raises: ApiError — 504, as a real server that waited in vain.
    """
    if wanted > current:
        message = f"Too large resource version: {wanted}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise ApiError(504, "Timeout", f"Timeout: {message}", details={"causes": [cause], "retryAfterSeconds": 1})


def _encode(revision: int, last: Key) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([revision, last.namespace, last.name])).decode()


def _decode(token: str) -> tuple[int, tuple[str, str]]:
    try:
        revision, namespace, name = orjson.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise bad_request("continue key is not valid: invalid continue token") from error
    return int(revision), (str(namespace), str(name))
