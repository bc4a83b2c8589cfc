"""Watches: every stream reads the event log from its own position, so replay and live are one path and memory is bounded."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import orjson

from devcluster.apiserver.errors import ApiError, Body, bad_request, expired
from devcluster.apiserver.reads import Reader, require_reached
from devcluster.apiserver.representation import Representation
from devcluster.apiserver.request import Request
from devcluster.apiserver.selectors import Selection
from devcluster.apiserver.store import Event, Store

BOOKMARK_SECONDS = 30.0
DEFAULT_TIMEOUT_SECONDS = 1800
"""The real server ends a watch without `timeoutSeconds` after 30 to 60 minutes."""
BATCH = 500


@dataclass(eq=False, kw_only=True)
class Stream:
    """One open watch; `fate` is set from outside to end it early."""

    request: Request
    selection: Selection
    position: int
    wants_initial: bool
    wants_initial_mark: bool
    timeout_seconds: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    fate: str = ""

    def end(self, fate: str) -> None:
        """Make the stream stop: `close` in good order, `cut` without a word, `gone` with a 410."""
        self.fate = fate
        self.wake.set()


class Watches:
    """All open watches."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader
        self._open: dict[str, set[Stream]] = defaultdict(set)
        store.on_change(self._wake)

    def _wake(self, event: Event) -> None:
        for stream in self._open.get(event.key.resource, ()):
            if stream.request.namespace in {"", event.key.namespace}:
                stream.wake.set()

    def streams(self) -> list[Stream]:
        """List the open watches."""
        return [stream for streams in self._open.values() for stream in streams]

    def refresh(self) -> None:
        """Let idle watches move on to the present, so that forgetting the past does not hit them."""
        for stream in self.streams():
            stream.wake.set()

    def close(self) -> None:
        """End all watches in good order."""
        for stream in self.streams():
            stream.end("close")

    def open(self, request: Request) -> Stream:
        """Check a watch request and make its stream.

        Raises: ApiError — 400 for a bad parameter, 504 for a resourceVersion of the future.
        """
        position = request.integer("resourceVersion", 0)
        require_reached(position, self._store.revision)
        asks_initial = request.is_true("sendInitialEvents")
        if asks_initial and request.query.get("resourceVersionMatch") != "NotOlderThan":
            raise bad_request("resourceVersionMatch must be NotOlderThan when sendInitialEvents is given")
        jitter = random.uniform(1, 2)  # noqa: S311 — spreads reconnects, protects nothing
        return Stream(
            request=request,
            selection=self._reader.selection(request),
            position=position,
            wants_initial=asks_initial or (position == 0 and "sendInitialEvents" not in request.query),
            wants_initial_mark=asks_initial,
            timeout_seconds=request.integer("timeoutSeconds", 0) or DEFAULT_TIMEOUT_SECONDS * jitter,
        )

    async def follow(self, stream: Stream, form: Representation) -> AsyncGenerator[bytes, None]:
        """Give the lines of a watch until it ends."""
        request = stream.request
        streams = self._open[request.resource.key]
        streams.add(stream)
        try:
            if stream.wants_initial or not stream.position:
                stream.position = self._store.revision
            for line in self._initial(stream, form) if stream.wants_initial else ():
                yield line
            if stream.wants_initial_mark:
                yield _bookmark(request, form, stream.position, is_initial_end=True)
            async for line in self._tail(stream, form):
                yield line
        finally:
            streams.discard(stream)

    def _initial(self, stream: Stream, form: Representation) -> Iterator[bytes]:
        """Give an ADDED line for every object of now that the stream selects."""
        request = stream.request
        for _, stored in self._store.list_objects(request.resource.key, request.namespace):
            line = _changed(Event(0, "ADDED", request.key, stored, None), stream.selection, request, form)
            if line:
                yield line

    async def _tail(self, stream: Stream, form: Representation) -> AsyncGenerator[bytes, None]:
        request, position, clock = stream.request, stream.position, asyncio.get_running_loop().time
        wants_bookmarks = request.is_true("allowWatchBookmarks")
        deadline = clock() + stream.timeout_seconds
        next_bookmark = clock() + BOOKMARK_SECONDS
        while not stream.fate and clock() < deadline:
            if position < self._store.compacted:
                yield _error(expired(f"too old resource version: {position} ({self._store.compacted})"))
                return
            stream.wake.clear()
            # Taken before the first line goes out: while a slow reader holds us up, further changes come.
            now = self._store.revision
            events = self._store.events_after(position, request.resource.key, request.namespace, limit=BATCH)
            for line in filter(None, (_changed(event, stream.selection, request, form) for event in events)):
                yield line
            position = events[-1].revision if len(events) == BATCH else now
            if wants_bookmarks and clock() >= next_bookmark:
                yield _bookmark(request, form, position)
                next_bookmark = clock() + BOOKMARK_SECONDS
            if len(events) < BATCH:
                until = min(deadline, next_bookmark) if wants_bookmarks else deadline
                await _wait(stream.wake, until - clock())
        if stream.fate == "gone":
            yield _error(expired(f"too old resource version: {position} ({self._store.revision})"))
        elif stream.fate != "cut" and wants_bookmarks:
            yield _bookmark(request, form, position)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(seconds, 0))
    except TimeoutError:
        return


def _changed(event: Event, selection: Selection, request: Request, form: Representation) -> bytes | None:
    """Give the line for a change, or None when the selection never saw the object."""
    resource = request.resource
    if selection.is_everything and form.is_plain and resource.version == resource.stored_version:
        return b'{"type":"' + event.type.encode() + b'","object":' + event.body + b"}\n"
    body = form.body(resource, event.body)
    previous = form.body(resource, event.previous) if event.previous else None
    was_seen = previous is not None and selection.matches(previous)
    is_seen = event.type != "DELETED" and selection.matches(body)
    if is_seen:
        return _line("MODIFIED" if was_seen else "ADDED", body, request, form)
    if not was_seen or previous is None:
        return None
    last = body if event.type == "DELETED" else previous
    last["metadata"]["resourceVersion"] = str(event.revision)
    return _line("DELETED", last, request, form)


def _line(kind: str, body: Body, request: Request, form: Representation) -> bytes:
    shown = body if form.is_plain else form.one(request.resource, orjson.dumps(body))
    return orjson.dumps({"type": kind, "object": shown}) + b"\n"


def _bookmark(request: Request, form: Representation, position: int, *, is_initial_end: bool = False) -> bytes:
    metadata: Body = {"resourceVersion": str(position), "creationTimestamp": None}
    if is_initial_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body: Body = {"kind": request.resource.kind, "apiVersion": request.resource.api_version, "metadata": metadata}
    if form.shape == "Table":
        body = form.table(request.resource, [], {"resourceVersion": str(position)})
    return orjson.dumps({"type": "BOOKMARK", "object": body}) + b"\n"


def _error(error: ApiError) -> bytes:
    return orjson.dumps({"type": "ERROR", "object": error.as_status()}) + b"\n"
