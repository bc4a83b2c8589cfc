"""The metadata database of a storm: a PostgreSQL of its own out of the wheel, and the storm's own connection to it."""

import contextlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from devcluster.operator.servers.postgresql import ORDINARY_USER
from devcluster.operator.servers.postgresql_installed import SERVERS, Installed
from laptop.layout import HOST

USER = "dbaas"
OURS = "storm"
"""What our own connections are called, so that the chaos spares them."""

Row = dict[str, Any]


class NoServer(Exception):
    """The wheel with PostgreSQL is not installed for this platform."""


def newest_server() -> Installed:
    """Return the newest PostgreSQL that is installed.

    Raises: NoServer.
    """
    if not SERVERS:
        raise NoServer
    return SERVERS[max(SERVERS)]


class MetadataDatabase:
    """One PostgreSQL: where its files are, how it is started, how it is asked."""

    def __init__(self, folder: Path, port: int, password: str) -> None:
        self._folder = folder
        self._port = port
        self._password = password
        self._server = newest_server()

    @property
    def url(self) -> str:
        """Return where the product finds it."""
        return f"postgresql://{USER}:{self._password}@{HOST}:{self._port}/postgres"

    @property
    def command(self) -> list[str]:
        """Return the server's command line. Nothing is flushed to disk: the machine stays up, and only processes are killed."""
        settings = {
            "listen_addresses": HOST,
            "port": str(self._port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            "fsync": "off",
            "max_connections": "150",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*ORDINARY_USER, self._server.tool("postgres"), "-D", str(self._folder), *options]

    def create(self) -> None:
        """Make its files."""
        password_file = self._folder.with_suffix(".password")
        password_file.touch(mode=0o600)
        password_file.write_text(self._password, encoding="utf-8")
        tool = [*ORDINARY_USER, self._server.tool("initdb"), "-D", str(self._folder), "-U", USER, "--no-sync"]
        access = ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C"]
        subprocess.run([*tool, *access], check=True, capture_output=True, timeout=60, env=dict(os.environ))
        password_file.unlink()

    @contextlib.contextmanager
    def connected(self) -> Iterator[psycopg.Connection[Row]]:
        """Give a connection of our own; every statement is a transaction of its own."""
        with psycopg.connect(
            self.url, autocommit=True, row_factory=dict_row, application_name=OURS, connect_timeout=5
        ) as connection:
            yield connection

    def rows(self, statement: LiteralString, **values: object) -> list[Row]:
        """Return what one statement finds."""
        with self.connected() as connection:
            return connection.execute(statement, values).fetchall()

    def value(self, statement: LiteralString, **values: object) -> Any:
        """Return the first column of the first row that one statement finds."""
        found: Mapping[str, Any] = self.rows(statement, **values)[0]
        return next(iter(found.values()))

    def do(self, statement: LiteralString, **values: object) -> int:
        """Carry out one statement and return how many rows it changed."""
        with self.connected() as connection:
            return connection.execute(statement, values).rowcount

    def answers(self) -> bool:
        """Tell whether it takes connections."""
        try:
            return bool(self.value("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def cut_connections(self) -> int:
        """End every connection of the product's, whatever it is doing; returns how many there were."""
        statement: LiteralString = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE usename = %(user)s AND application_name <> %(ours)s AND pid <> pg_backend_pid()"
        )
        return int(self.value(statement, user=USER, ours=OURS))
