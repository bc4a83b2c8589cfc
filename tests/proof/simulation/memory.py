"""The metadata database of a simulated world: the real schema in SQLite's memory, emptied or set to a prepared state between schedules.

Checks read it by plain SQL past the ORM, so that they cost little and see exactly what is committed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connections
from django.db.models import Model

from accounts.models import AuditEvent
from provisioning.models import Cluster
from tenants.models import Quota
from webhooks.models import Delivery, Event

Rows = dict[str, list[tuple[Any, ...]]]


class Memory:
    """The one connection, and the tables that schedules write."""

    def __init__(self) -> None:
        written: tuple[type[Model], ...] = (
            *apps.get_app_config("provisioning").get_models(),
            AuditEvent,
            Delivery,
            Event,
            Quota,
        )
        self._tables = [model._meta.db_table for model in written if model is not Cluster]

    def read(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return list(connections["default"].connection.execute(sql, values).fetchall())

    def write(self, sql: str) -> None:
        """Carry out a statement, such as one on the schema."""
        connections["default"].connection.execute(sql)

    def rows(self) -> Rows:
        """Return everything that schedules write."""
        found = {table: self.read(f"SELECT * FROM {table}") for table in self._tables}  # noqa: S608 -- our own names
        return {table: rows for table, rows in found.items() if rows}

    def become(self, rows: Rows) -> None:
        """Hold these rows and no others."""
        raw = connections["default"].connection
        raw.execute("PRAGMA foreign_keys=OFF")
        for table in self._tables:
            raw.execute(f"DELETE FROM {table}")  # noqa: S608 -- our own names
        for table, lines in rows.items():
            places = ",".join("?" * len(lines[0]))
            raw.executemany(f"INSERT INTO {table} VALUES ({places})", lines)  # noqa: S608 -- our own names
        raw.execute("PRAGMA foreign_keys=ON")


@contextmanager
def memory() -> Iterator[Memory]:
    """Let the process use a metadata database of its own in memory inside this block."""
    original, before = connections["default"], connections.settings["default"]
    options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA foreign_keys=ON;", "cached_statements": 1024}
    connections.settings["default"] = {
        **before,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        "OPTIONS": options,
    }
    own = connections.create_connection("default")
    connections["default"] = own
    try:
        call_command("migrate", verbosity=0)
        yield Memory()
    finally:
        own.connection.close()
        connections.settings["default"] = before
        connections["default"] = original
