"""Asks and changes running PostgreSQL servers through their own protocol, with `psql` of the same version.

It knows ports, names and passwords; how servers are made and started is in `postgresql.py`.
"""

import asyncio
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.processes import ServerError
from devcluster.operator.servers import postgresql
from devcluster.operator.servers.postgresql_installed import Installed

RELOAD_SECONDS = 5.0
REPLAY_SECONDS = 10.0
POLL_SECONDS = 0.2
LIMITS = (
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
)
"""A standby refuses to start with less of these than its primary had when it was last in touch with it."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running server and how to log in."""

    server: Installed
    port: int
    username: str
    password: str

    async def ask(self, sql: str) -> str:
        """Send SQL and give the answer, one row per line, columns divided by |. Raises: ServerError."""
        place = ["-h", LOOPBACK, "-p", str(self.port), "-U", self.username, "-d", "postgres"]
        options = ["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--no-password", "-v", "ON_ERROR_STOP=1"]
        environment = {"PGPASSWORD": self.password, "PGCONNECT_TIMEOUT": "5"}
        said = await postgresql.run(
            self.server, "psql", [*place, *options, "-f", "-"], stdin=sql, environment=environment
        )
        return said.strip()

    async def lets_in(self) -> bool:
        """Tell whether the password is right."""
        try:
            return await self.ask("SELECT 1") == "1"
        except ServerError:
            return False

    async def reload(self, pid: int) -> None:
        """Make the server read its settings again, and wait until new sessions have them."""
        before = await self.ask("SELECT pg_conf_load_time()")
        os.kill(pid, signal.SIGHUP)
        await self._until(f"SELECT pg_conf_load_time() <> '{before}'", RELOAD_SECONDS)

    async def replay(self, position: str) -> None:
        """Wait until a standby has replayed the log up to a position; not for ever."""
        await self._until(f"SELECT coalesce(pg_last_wal_replay_lsn() >= '{position}', true)", REPLAY_SECONDS)

    async def _until(self, question: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for _ in range(int(seconds / POLL_SECONDS)):
            if await self.ask(question) == "t" or time.monotonic() > deadline:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def has_unapplied_settings(self) -> bool:
        """Tell whether a line of its settings takes effect only after a restart, or is wrong."""
        return await self.ask("SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL") != "0"

    async def set_password(self, volume: Path, password: str) -> None:
        """Give the administrator another password; nothing waits for standbys."""
        verifier = postgresql.new_verifier(password)
        role = postgresql.quoted_name(self.username)
        await self.ask(f"SET synchronous_commit = local; ALTER ROLE {role} PASSWORD '{verifier}';")
        postgresql.remember_password(volume, self.username, verifier)

    async def limits(self) -> dict[str, int]:
        """Give the limits that a standby must not fall below."""
        names = ", ".join(f"'{name}'" for name in LIMITS)
        rows = await self.ask(f"SELECT name, setting FROM pg_settings WHERE name IN ({names})")  # noqa: S608 - our own names
        return {name: int(value) for name, _, value in (row.partition("|") for row in rows.splitlines())}


async def wait_for_replay(primary: Running, standby: Running) -> None:
    """Wait until a standby has replayed all that the primary has written by now; not for ever."""
    await standby.replay(await primary.ask("SELECT pg_current_wal_flush_lsn()"))


def lowered(present: dict[str, int], settings: str) -> bool:
    """Tell whether the text of a settings file has less of a limit than a server has now."""
    found = re.findall(r"(?m)^\s*(\w+)\s*(?:=|\s)\s*'?(\d+)'?\s*(?:#.*)?$", settings)
    wanted = {name.lower(): int(value) for name, value in found}
    return any(wanted.get(name, value) < value for name, value in present.items())
