"""A small Kubernetes client on plain dicts, because the operator must stay an ordinary client of any API server.

It is not a general client: merge patches only, no typed objects, and a watch that never ends.
"""

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import yaml

from devcluster.operator.resources import Resource

Body = dict[str, Any]

logger = logging.getLogger(__name__)

REQUEST_SECONDS = 15.0
WATCH_SECONDS = 300
RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
MAX_EVENT_BYTES = 16 * 1024 * 1024
GONE = 410


class ApiError(Exception):
    """The API server refused a request, or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class NotFoundError(ApiError):
    """The object does not exist."""


class ConflictError(ApiError):
    """The object exists already, or has changed since it was read."""


class Change(NamedTuple):
    """One event of a watch: ADDED, MODIFIED or DELETED, and the object as it was then."""

    kind: str
    body: Body


def _error(status: int, text: str) -> ApiError:
    try:
        answer = json.loads(text)
        reason, message = str(answer.get("reason", "")), str(answer.get("message", text))
    except (ValueError, AttributeError):
        reason, message = "", text[:500]
    classes = {404: NotFoundError, 409: ConflictError}
    return classes.get(status, ApiError)(status, reason, message)


class Kube:
    """A connection to the API server that a kubeconfig names; use it as an async context manager."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the current context of the kubeconfig: a server, its CA and a bearer token."""
        config = yaml.safe_load(kubeconfig.read_text())
        context = _named(config, "contexts", config["current-context"])["context"]
        cluster = _named(config, "clusters", context["cluster"])["cluster"]
        user = _named(config, "users", context["user"])["user"]
        self._server = str(cluster["server"]).rstrip("/")
        self._headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
        self._ssl: ssl.SSLContext | bool = True
        if "certificate-authority-data" in cluster:
            authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
            self._ssl = ssl.create_default_context(cadata=authority)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._ssl, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, headers=self._headers, read_bufsize=MAX_EVENT_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, resource: Resource, namespace: str, name: str) -> Body:
        """Read one object. Raises: NotFoundError."""
        return await self._call("GET", resource.path(namespace, name))

    async def find(self, resource: Resource, namespace: str, name: str) -> Body | None:
        """Read one object, or give None when it does not exist."""
        try:
            return await self.get(resource, namespace, name)
        except NotFoundError:
            return None

    async def list_all(self, resource: Resource, namespace: str = "", selector: str = "") -> list[Body]:
        """Read all objects of a namespace (or of all of them) that a label selector matches."""
        answer = await self._call("GET", resource.path(namespace), query={"labelSelector": selector})
        return _items(resource, answer)

    async def create(self, resource: Resource, body: Body) -> Body:
        """Create an object. Raises: ConflictError — it exists already."""
        namespace = str(body["metadata"].get("namespace", ""))
        return await self._call("POST", resource.path(namespace), body=body)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into an object; a resourceVersion inside the patch guards against stale reads."""
        return await self._call("PATCH", resource.path(namespace, name), body=patch)

    async def patch_status(self, resource: Resource, namespace: str, name: str, patch: Body) -> Body:
        """Merge a patch into an object's status."""
        return await self._call("PATCH", resource.path(namespace, name) + "/status", body=patch)

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Delete an object; one that is gone already is a success."""
        try:
            await self._call("DELETE", resource.path(namespace, name))
        except NotFoundError:
            return

    async def watch(self, resource: Resource, selector: str = "") -> AsyncIterator[Change]:
        """Give every object as ADDED, then every change, for ever: over cut connections, restarts and lost history."""
        place = _Place()
        while True:
            try:
                async for change in self._changes(resource, selector, place):
                    place.failures = 0
                    yield change
                await asyncio.sleep(RECONNECT_SECONDS[0])
            except ApiError as error:
                await place.stumble(resource, error)

    async def _changes(self, resource: Resource, selector: str, place: "_Place") -> AsyncIterator[Change]:
        """Give what is new since `place`, until the server ends the stream; `place` moves on with it."""
        if not place.version:
            place.version, missed = await self._relist(resource, selector, place.known)
            for change in missed:
                yield change
        async for change in self._stream(resource, selector, place.version):
            place.version = str(change.body["metadata"]["resourceVersion"])
            if change.kind != "BOOKMARK":
                _remember(place.known, change)
                yield change

    async def _relist(
        self, resource: Resource, selector: str, known: dict[tuple[str, str], Body]
    ) -> tuple[str, list[Change]]:
        answer = await self._call("GET", resource.path(), query={"labelSelector": selector})
        listed = {_identity(body): body for body in _items(resource, answer)}
        lost = [Change("DELETED", body) for identity, body in known.items() if identity not in listed]
        known.clear()
        known.update(listed)
        return str(answer["metadata"]["resourceVersion"]), [*lost, *(Change("ADDED", body) for body in listed.values())]

    async def _stream(self, resource: Resource, selector: str, version: str) -> AsyncIterator[Change]:
        query = {
            "watch": "true",
            "resourceVersion": version,
            "labelSelector": selector,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        # Longer than the server's own limit, so that only a dead connection runs into it.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=REQUEST_SECONDS, sock_read=WATCH_SECONDS + 30)
        try:
            async with self._open.get(
                self._server + resource.path(), params=_without_empty(query), timeout=timeout
            ) as response:
                if response.status >= 400:  # noqa: PLR2004 - the border between HTTP success and failure
                    raise _error(response.status, await response.text())
                async for line in response.content:
                    yield _change(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, "Unreachable", f"the API server cannot be reached: {error}") from error

    async def _call(
        self, verb: str, path: str, *, body: Body | None = None, query: dict[str, str] | None = None
    ) -> Body:
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        try:
            async with self._open.request(
                verb,
                self._server + path,
                params=_without_empty(query or {}),
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": kind},
                timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiError(0, "Unreachable", f"the API server cannot be reached: {error}") from error
        if response.status >= 400:  # noqa: PLR2004 - the border between HTTP success and failure
            raise _error(response.status, text)
        answer: Body = json.loads(text)
        return answer

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("Kube is used outside of its async with block.")
        return self._session


def _named(config: Body, section: str, name: str) -> Body:
    return next(entry for entry in config[section] if entry["name"] == name)


def _without_empty(query: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in query.items() if value}


def _items(resource: Resource, answer: Body) -> list[Body]:
    """Lists leave out kind and apiVersion of their items; events and owner references need them."""
    return [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer["items"] or []]


def _identity(body: Body) -> tuple[str, str]:
    return str(body["metadata"].get("namespace", "")), str(body["metadata"]["name"])


@dataclass
class _Place:
    """How far a watch has come, and how often in a row it stumbled."""

    known: dict[tuple[str, str], Body] = field(default_factory=dict)
    version: str = ""
    failures: int = 0

    async def stumble(self, resource: Resource, error: ApiError) -> None:
        """Forget the place where the server has, else pause for longer and longer."""
        if error.status == GONE:
            self.version = ""
            return
        pause = RECONNECT_SECONDS[min(self.failures, len(RECONNECT_SECONDS) - 1)]
        self.failures += 1
        logger.warning("watch of %s: %s; again in %.1f s", resource.plural, error, pause)
        await asyncio.sleep(pause)


def _remember(known: dict[tuple[str, str], Body], change: Change) -> None:
    if change.kind == "DELETED":
        known.pop(_identity(change.body), None)
    else:
        known[_identity(change.body)] = change.body


def _change(line: bytes) -> Change:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise ApiError(0, "Unreachable", "the watch was cut in the middle of an event") from error
    if event["type"] == "ERROR":
        status = event["object"]
        raise ApiError(int(status.get("code", 0)), str(status.get("reason", "")), str(status.get("message", "")))
    return Change(event["type"], event["object"])
