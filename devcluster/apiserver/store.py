"""Objects and their history in SQLite, the only place that numbers changes; it knows keys and bytes only.

Every change is one transaction that takes the next resourceVersion, replaces the object and appends to the event log.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from devcluster.apiserver.errors import Body

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS objects (
  resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (resource, namespace, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS objects_by_uid ON objects (uid);
CREATE INDEX IF NOT EXISTS objects_by_namespace ON objects (namespace);
CREATE TABLE IF NOT EXISTS owners (
  owner_uid TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (owner_uid, resource, namespace, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
  revision INTEGER PRIMARY KEY, at REAL NOT NULL, type TEXT NOT NULL,
  resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL, previous BLOB);
CREATE INDEX IF NOT EXISTS events_by_resource ON events (resource, revision);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO counters VALUES ('revision', 1), ('compacted', 0);
"""


@dataclass(frozen=True)
class Key:
    """Where an object lives; `namespace` is empty for cluster-scoped ones."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Event:
    """One change; `previous` is what the object was before, None when it was created."""

    revision: int
    type: str
    key: Key
    body: bytes
    previous: bytes | None


class Store:
    """A file of objects and of their changes."""

    def __init__(self, path: Path) -> None:
        # Secrets are in it; SQLite gives its side files the same mode.
        path.touch(mode=0o600)
        self._sql = sqlite3.connect(path, isolation_level=None)
        self._sql.executescript(SCHEMA)
        self._listeners: list[Callable[[Event], None]] = []
        self.revision = self._counter("revision")
        self.compacted = self._counter("compacted")

    def close(self) -> None:
        """Write everything out and close the file."""
        self._sql.close()

    def on_change(self, listener: Callable[[Event], None]) -> None:
        """Call the listener after every committed change; it must be quick and must not raise."""
        self._listeners.append(listener)

    def _counter(self, name: str) -> int:
        return int(self._sql.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0])

    def mark(self, name: str) -> int:
        """Give a number kept under a name, 0 when there is none."""
        row = self._sql.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def set_mark(self, name: str, value: int) -> None:
        """Keep a number under a name."""
        self._sql.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (name, value))

    def get(self, key: Key) -> bytes | None:
        """Give the object as JSON, or None."""
        row = self._sql.execute(
            "SELECT body FROM objects WHERE resource = ? AND namespace = ? AND name = ?",
            (key.resource, key.namespace, key.name),
        ).fetchone()
        return row[0] if row else None

    def put(self, key: Key, body: Body) -> Body:
        """Create or replace the object and give it back with its new resourceVersion."""
        previous = self.get(key)
        return self._change(key, "MODIFIED" if previous else "ADDED", body, previous)

    def remove(self, key: Key, body: Body) -> Body:
        """Delete the object; `body` is its last state, which watchers see."""
        return self._change(key, "DELETED", body, self.get(key))

    def _change(self, key: Key, kind: str, body: Body, previous: bytes | None) -> Body:
        revision = self.revision + 1
        changed = {**body, "metadata": {**body["metadata"], "resourceVersion": str(revision)}}
        encoded = orjson.dumps(changed)
        where = (key.resource, key.namespace, key.name)
        row = (revision, time.time(), kind, *where, encoded, previous)
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            self._sql.execute("UPDATE counters SET value = ? WHERE name = 'revision'", (revision,))
            self._sql.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._sql.execute("DELETE FROM owners WHERE resource = ? AND namespace = ? AND name = ?", where)
            if kind == "DELETED":
                self._sql.execute("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?", where)
            else:
                self._write(where, changed, encoded)
            self._sql.execute("COMMIT")
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self.revision = revision
        event = Event(revision, kind, key, encoded, previous)
        for listener in self._listeners:
            listener(event)
        return changed

    def _write(self, where: tuple[str, str, str], body: Body, encoded: bytes) -> None:
        metadata = body["metadata"]
        self._sql.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", (*where, metadata["uid"], encoded))
        owners = {(owner["uid"], *where) for owner in metadata.get("ownerReferences") or ()}
        self._sql.executemany("INSERT INTO owners VALUES (?, ?, ?, ?)", owners)

    def list_objects(
        self, resource: str, namespace: str = "", *, after: tuple[str, str] = ("", ""), limit: int = -1
    ) -> list[tuple[Key, bytes]]:
        """List objects by namespace and name, those behind `after`; an empty namespace means all."""
        rows = self._sql.execute(
            "SELECT namespace, name, body FROM objects WHERE resource = ? AND (? = '' OR namespace = ?)"
            " AND (namespace, name) > (?, ?) ORDER BY namespace, name LIMIT ?",
            (resource, namespace, namespace, *after, limit),
        )
        return [(Key(resource, row[0], row[1]), row[2]) for row in rows]

    def list_at(self, resource: str, namespace: str, revision: int) -> list[tuple[Key, bytes]]:
        """List objects as they were at a revision that is not compacted, by undoing what came after."""
        state = dict(self.list_objects(resource, namespace))
        rows = self._sql.execute(
            "SELECT namespace, name, previous FROM events WHERE resource = ? AND revision > ?"
            " AND (? = '' OR namespace = ?) ORDER BY revision DESC",
            (resource, revision, namespace, namespace),
        )
        for row in rows:
            key = Key(resource, row[0], row[1])
            state.pop(key, None)
            if row[2] is not None:
                state[key] = row[2]
        return sorted(state.items(), key=lambda item: (item[0].namespace, item[0].name))

    def in_namespace(self, namespace: str) -> Iterable[Key]:
        """List the keys of everything inside a namespace."""
        rows = self._sql.execute("SELECT resource, name FROM objects WHERE namespace = ?", (namespace,)).fetchall()
        return [Key(row[0], namespace, row[1]) for row in rows]

    def has_uid(self, uid: str) -> bool:
        """Tell whether an object with this uid exists."""
        return self._sql.execute("SELECT 1 FROM objects WHERE uid = ?", (uid,)).fetchone() is not None

    def owned_by(self, uid: str) -> Iterable[Key]:
        """List the keys of the objects that name this uid as an owner."""
        rows = self._sql.execute("SELECT resource, namespace, name FROM owners WHERE owner_uid = ?", (uid,))
        return [Key(*row) for row in rows.fetchall()]

    def owner_uids(self) -> Iterable[str]:
        """List every uid that is named as an owner."""
        return [row[0] for row in self._sql.execute("SELECT DISTINCT owner_uid FROM owners").fetchall()]

    def events_after(self, revision: int, resource: str, namespace: str = "", *, limit: int = 500) -> list[Event]:
        """List the oldest changes behind a revision."""
        rows = self._sql.execute(
            "SELECT revision, type, resource, namespace, name, body, previous FROM events"
            " WHERE resource = ? AND revision > ? AND (? = '' OR namespace = ?) ORDER BY revision LIMIT ?",
            (resource, revision, namespace, namespace, limit),
        )
        return [Event(row[0], row[1], Key(row[2], row[3], row[4]), row[5], row[6]) for row in rows]

    def compact(self, *, keep: int, max_age_seconds: float) -> None:
        """Forget all but the newest `keep` changes, and those older than the age; older watches must start anew."""
        row = self._sql.execute(
            "SELECT MAX(revision) FROM events WHERE revision <= ? OR at < ?",
            (self.revision - keep, time.time() - max_age_seconds),
        ).fetchone()
        if row[0] is None:
            return
        self._sql.execute("BEGIN IMMEDIATE")
        self._sql.execute("DELETE FROM events WHERE revision <= ?", (row[0],))
        self._sql.execute("UPDATE counters SET value = ? WHERE name = 'compacted'", (row[0],))
        self._sql.execute("COMMIT")
        self.compacted = int(row[0])
