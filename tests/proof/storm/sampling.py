"""What must hold at every moment of a storm, looked at five times a second: one SQL statement each, so that each sees one moment."""

import threading
from dataclasses import dataclass, field
from typing import LiteralString

import psycopg

from provisioning.states import FINISHED
from tests.proof.storm.metadata import MetadataDatabase, Row

EVERY_SECONDS = 0.2
_PROGRESS_EVERY = 5
"""Samples between two looks at every operation's token."""

QUOTA: LiteralString = """
SELECT quota.tenant_id, quota.used_databases, held.databases
  FROM tenants_quota AS quota
  LEFT JOIN (SELECT tenant_id, sum(reserved_databases) AS databases, sum(reserved_cpu_millicores) AS cpu,
                    sum(reserved_memory_mib) AS memory, sum(reserved_storage_gib) AS storage
               FROM provisioning_database GROUP BY tenant_id) AS held ON held.tenant_id = quota.tenant_id
 WHERE quota.used_databases <> coalesce(held.databases, 0) OR quota.used_cpu_millicores <> coalesce(held.cpu, 0)
    OR quota.used_memory_mib <> coalesce(held.memory, 0) OR quota.used_storage_gib <> coalesce(held.storage, 0)
    OR quota.used_databases > quota.max_databases OR quota.used_cpu_millicores > quota.max_cpu_millicores
    OR quota.used_memory_mib > quota.max_memory_mib OR quota.used_storage_gib > quota.max_storage_gib
    OR least(quota.used_databases, quota.used_cpu_millicores, quota.used_memory_mib, quota.used_storage_gib) < 0
"""
"""Tenants whose use is not the sum of what their databases hold, or is over the limit or below zero."""

ONE_ACTIVE: LiteralString = """
SELECT database.id, count(operation.id) AS holding
  FROM provisioning_database AS database
  JOIN provisioning_operation AS operation ON operation.database_id = database.id
 WHERE operation.holds_database
 GROUP BY database.id, database.active_operation_id
HAVING count(operation.id) > 1 OR bool_or(operation.id IS DISTINCT FROM database.active_operation_id)
    OR bool_or(operation.finished_at IS NOT NULL)
"""
"""Databases that two operations hold, or one that is not their active one, or one that has ended."""

_DRIVEN_TWICE: LiteralString = """
SELECT database_id AS id, count(*) AS driven FROM provisioning_operation
 WHERE next_run_at IS NOT NULL AND finished_at IS NULL
 GROUP BY database_id HAVING count(*) > 1
"""
"""Databases on which two operations are at work: a delete that waits has no `next_run_at` yet."""

_PROGRESS: LiteralString = "SELECT id, state, lease_token, event_seq FROM provisioning_operation"


@dataclass
class Sampler:
    """Samples from a thread of its own."""

    database: MetadataDatabase
    violations: list[str] = field(default_factory=list)
    samples: int = 0
    missed: int = 0
    """Looks at a database that was just away."""
    most_moving: int = 0
    """The most operations that were under way at one moment."""
    _seen: dict[str, Row] = field(default_factory=dict, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._sample_on, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _sample_on(self) -> None:
        while not self._over.is_set():
            try:
                self._sample_by_one_connection()
            except psycopg.Error:
                self.missed += 1
                self._over.wait(EVERY_SECONDS)

    def _sample_by_one_connection(self) -> None:
        with self.database.connected() as connection:
            while not self._over.wait(EVERY_SECONDS):
                self._sample(connection)

    def _sample(self, connection: psycopg.Connection[Row]) -> None:
        for name, statement in (
            ("quota is not the sum", QUOTA),
            ("more than one active operation", ONE_ACTIVE),
            ("two operations at work", _DRIVEN_TWICE),
        ):
            self.violations += [f"{name}: {row}" for row in connection.execute(statement)]
        self.samples += 1
        if self.samples % _PROGRESS_EVERY == 0:
            self._look_at_progress(connection.execute(_PROGRESS).fetchall())

    def _look_at_progress(self, rows: list[Row]) -> None:
        moving = 0
        for row in rows:
            before = self._seen.get(str(row["id"]))
            moving += row["state"] not in FINISHED
            if before is not None:
                self.violations += backward_steps(before, row)
            self._seen[str(row["id"])] = row
        for lost in self._seen.keys() - {str(row["id"]) for row in rows}:
            self.violations.append(f"operation {lost} is gone")
            del self._seen[lost]
        self.most_moving = max(self.most_moving, moving)


def backward_steps(before: Row, now: Row) -> list[str]:
    """Return what an operation must not have done between two looks: ended and moved on, lost a token or a line of its timeline."""
    found = []
    if now["lease_token"] < before["lease_token"]:
        found.append(f"operation {now['id']}: token fell from {before['lease_token']} to {now['lease_token']}")
    if now["event_seq"] < before["event_seq"]:
        found.append(f"operation {now['id']}: timeline fell from {before['event_seq']} to {now['event_seq']}")
    if before["state"] in FINISHED and (now["state"], now["event_seq"]) != (before["state"], before["event_seq"]):
        found.append(f"operation {now['id']}: ended as {before['state']} and is {now['state']} now")
    return found
