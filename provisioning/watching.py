"""Watch our custom resources in one cluster, and wake the operation whose database changed. It decides nothing: the step looks for itself.

Losing it costs time, never work: the slow poll finds every change too. So it may be killed, run twice, or be behind.
"""

import logging
import random
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from uuid import UUID

from django.db import DatabaseError, close_old_connections, connections
from django.db.models import F

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import ObjectMissing, VersionExpired
from provisioning.cluster.kinds import (
    BACKUP_CONFIGURATION,
    BACKUP_SESSION,
    DATABASE_KINDS,
    OPS_KINDS,
    RESTORE_SESSION,
    Kind,
)
from provisioning.cluster.ownership import OURS, owner_of
from provisioning.dispatch import wake
from provisioning.engine import Body
from provisioning.heartbeats import watcher_of
from provisioning.lease import make_due
from provisioning.models import Cluster, Database, Heartbeat
from provisioning.observations import digest, observed_columns

logger = logging.getLogger(__name__)

WATCHED = (*DATABASE_KINDS, *OPS_KINDS, BACKUP_CONFIGURATION, BACKUP_SESSION, RESTORE_SESSION)
"""All that operations wait for."""
BEAT_SECONDS = 20.0
STREAM_SECONDS = 240
"""How long one stream is asked to last, plus up to a quarter at random, so that streams do not all end at once."""
SILENCE_SECONDS = 75
"""Bookmarks come every 30 to 60 s; a stream that is silent for longer is half-open and would hang for ever."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
"""A stream that breaks is taken up again at once, one that keeps breaking ever more slowly; one that lasted this long counts as well."""


Looks = dict[str, tuple[UUID, Any]]
"""By uid of an object: the database that it belongs to, and what was last seen of it."""


class ClusterWatcher:
    """One thread per kind of one cluster, and one that beats."""

    def __init__(self, cluster: Cluster, gateway: Gateway) -> None:
        """Remember what to watch; nothing starts before `start`."""
        self._cluster = cluster
        self._gateway = gateway
        self._stop = threading.Event()
        self._healthy: dict[str, bool] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start watching; returns at once."""
        loops = [threading.Thread(target=self._watch_for_ever, args=(kind,), daemon=True) for kind in WATCHED]
        self._threads = [*loops, threading.Thread(target=self._beat_for_ever, daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end: each does with the next event or bookmark of its stream, at the latest with the process."""
        self._stop.set()

    def _watch_for_ever(self, kind: Kind) -> None:
        seen: Looks = {}
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._list_and_watch(kind, seen)
            except VersionExpired:
                logger.info("watching %s in %s: listing again", kind.plural, self._cluster.name)
            except ObjectMissing:
                # A cluster without the backup tool has none of its kinds, and nothing waits for them there.
                self._healthy[kind.plural] = True
                self._stop.wait(LONGEST_PAUSE_SECONDS)
            except (Transient, Permanent) as error:
                self._healthy[kind.plural] = False
                logger.warning("watching %s in %s: %s", kind.plural, self._cluster.name, error.detail)
            except (
                Exception
            ):  # the metadata database may go and come back; a thread that died would be missed by nobody
                self._healthy[kind.plural] = False
                logger.exception("watching %s in %s failed", kind.plural, self._cluster.name)
            finally:
                close_old_connections()
            failures = 1 if time.monotonic() - began > LONGEST_PAUSE_SECONDS else failures + 1
            self._stop.wait(_pause_seconds(failures))
        connections.close_all()

    def _list_and_watch(self, kind: Kind, seen: Looks) -> None:
        bodies, version = self._gateway.list(kind, labels=OURS)
        for body in bodies:
            self._notice(body, seen)
        for uid in seen.keys() - {body["metadata"]["uid"] for body in bodies}:
            self._notice_gone(uid, seen)
        self._healthy[kind.plural] = True
        while not self._stop.is_set():
            version = self._follow(kind, seen, version)

    def _follow(self, kind: Kind, seen: Looks, version: str) -> str:
        """Take the events of one stream until it ends, and return how far it came."""
        seconds = STREAM_SECONDS + random.randrange(STREAM_SECONDS // 4)  # noqa: S311 -- spreads load, guards nothing
        stream = self._gateway.watch(
            kind, labels=OURS, resource_version=version, seconds=seconds, silence_seconds=SILENCE_SECONDS
        )
        with closing(stream) as events:
            for event in events:
                version = event["object"]["metadata"]["resourceVersion"]
                self._take(event, seen)
                if self._stop.is_set():
                    break
        return version

    def _take(self, event: Body, seen: Looks) -> None:
        if event["type"] == "DELETED":
            self._notice_gone(event["object"]["metadata"]["uid"], seen)
        elif event["type"] != "BOOKMARK":
            self._notice(event["object"], seen)

    def _notice(self, body: Body, seen: Looks) -> None:
        owner, looks, uid = owner_of(body), digest(body), body["metadata"]["uid"]
        if owner is None or seen.get(uid) == (owner, looks):
            return
        note_change(owner, body)
        seen[uid] = owner, looks

    def _notice_gone(self, uid: str, seen: Looks) -> None:
        known = seen.get(uid)
        if known is not None:
            note_change(known[0], None)
            del seen[uid]

    def _beat_for_ever(self) -> None:
        while not self._stop.is_set():
            is_healthy = len(self._healthy) == len(WATCHED) and all(self._healthy.values())
            try:
                if is_healthy:
                    Heartbeat.beat(watcher_of(self._cluster), now=SYSTEM_CLOCK.now())
            except DatabaseError as error:
                logger.warning("the heartbeat of %s was not written (%s)", self._cluster.name, type(error).__name__)
            finally:
                close_old_connections()
            self._stop.wait(BEAT_SECONDS if is_healthy else 1.0)
        connections.close_all()


_DATABASES = frozenset(kind.kind for kind in DATABASE_KINDS)


def _pause_seconds(failures: int) -> float:
    doublings = min(failures - 1, 10)
    return min(FIRST_PAUSE_SECONDS * 2.0**doublings, LONGEST_PAUSE_SECONDS)


def note_change(database_id: UUID, body: Body | None) -> None:
    """Write down what was seen (None: the object is gone) and wake the operation that holds the database, if one does."""
    try:
        database = Database.objects.filter(pk=database_id).first()
        if database is None:
            return
        if body is not None and database.is_live and _is_the_database(body, database):
            _write_down(database, observed_columns(body))
        if database.active_operation_id and make_due([database.active_operation_id], now=SYSTEM_CLOCK.now()):
            wake(database.active_operation_id)
    finally:
        close_old_connections()  # between two events may lie hours, and each kind's thread would hold one of the pool's few


def _is_the_database(body: Body, database: Database) -> bool:
    return body.get("kind") in _DATABASES and body["metadata"]["name"] == database.object_name


def _write_down(database: Database, columns: Mapping[str, Any]) -> None:
    if all(getattr(database, name) == value for name, value in columns.items()):
        return
    now = SYSTEM_CLOCK.now()
    Database.objects.filter(pk=database.pk).update(**columns, updated_at=now, row_version=F("row_version") + 1)
