"""Watch our custom resources in one cluster, and wake the operation whose database changed. It decides nothing: the step looks for itself.

Losing it costs time, never work: the slow poll finds every change too. So it may be killed, run twice, or be behind.
"""

import logging
import random
import threading
from typing import Any
from uuid import UUID

from django.db import close_old_connections, connections

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import VersionExpired
from provisioning.cluster.kinds import DATABASE_KINDS, Kind
from provisioning.cluster.ownership import OURS, owner_of
from provisioning.dispatch import wake
from provisioning.engine import Body
from provisioning.heartbeats import watcher_of
from provisioning.lease import make_due
from provisioning.models import Cluster, Database, Heartbeat
from provisioning.observations import digest, observed_columns

logger = logging.getLogger(__name__)

BEAT_SECONDS = 20.0
STREAM_SECONDS = 240
"""How long one stream is asked to last, plus up to a quarter at random, so that streams do not all end at once."""
SILENCE_SECONDS = 75
"""Bookmarks come every 30 to 60 s; a stream that is silent for longer is half-open and would hang for ever."""
PAUSE_AFTER_FAILURE_SECONDS = 5.0


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
        loops = [threading.Thread(target=self._watch_for_ever, args=(kind,), daemon=True) for kind in DATABASE_KINDS]
        self._threads = [*loops, threading.Thread(target=self._beat_for_ever, daemon=True)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end; a stream that is open ends with the process."""
        self._stop.set()

    def _watch_for_ever(self, kind: Kind) -> None:
        seen: dict[UUID, Any] = {}
        while not self._stop.is_set():
            try:
                self._list_and_watch(kind, seen)
            except VersionExpired:
                continue
            except (Transient, Permanent) as error:
                self._healthy[kind.plural] = False
                logger.warning("watching %s in %s: %s", kind.plural, self._cluster.name, error.detail)
                self._stop.wait(PAUSE_AFTER_FAILURE_SECONDS)
            finally:
                close_old_connections()
        connections.close_all()

    def _list_and_watch(self, kind: Kind, seen: dict[UUID, Any]) -> None:
        bodies, version = self._gateway.list(kind, labels=OURS)
        for body in bodies:
            self._notice(body, seen, is_gone=False)
        self._healthy[kind.plural] = True
        while not self._stop.is_set():
            seconds = STREAM_SECONDS + random.randrange(STREAM_SECONDS // 4)  # noqa: S311 -- spreads load, guards nothing
            events = self._gateway.watch(
                kind, labels=OURS, resource_version=version, seconds=seconds, silence_seconds=SILENCE_SECONDS
            )
            for event in events:
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._notice(event["object"], seen, is_gone=event["type"] == "DELETED")

    def _notice(self, body: Body, seen: dict[UUID, Any], *, is_gone: bool) -> None:
        owner = owner_of(body)
        if owner is None:
            return
        now_seen = (digest(body), is_gone)
        if seen.get(owner) == now_seen:
            return
        seen[owner] = now_seen
        if is_gone:
            del seen[owner]
        note_change(body, owner, is_gone=is_gone)

    def _beat_for_ever(self) -> None:
        while not self._stop.is_set():
            if len(self._healthy) == len(DATABASE_KINDS) and all(self._healthy.values()):
                Heartbeat.beat(watcher_of(self._cluster), now=SYSTEM_CLOCK.now())
                close_old_connections()
            self._stop.wait(BEAT_SECONDS if self._healthy else 1.0)
        connections.close_all()


def note_change(body: Body, database_id: UUID, *, is_gone: bool) -> None:
    """Write down the phase that was seen and wake the operation that holds the database, if one does."""
    database = Database.objects.filter(pk=database_id).first()
    if database is None:
        return
    if database.object_name == body["metadata"]["name"] and not is_gone:
        columns = observed_columns(body)
        if any(getattr(database, name) != value for name, value in columns.items()):
            Database.objects.filter(pk=database_id).update(**columns)
    if database.active_operation_id and make_due([database.active_operation_id], now=SYSTEM_CLOCK.now()):
        wake(database.active_operation_id)
