"""What postgres_exporter says of a PostgreSQL server, asked from the real one in a single connection.

Source: prometheus-community/postgres_exporter, collectors stat_database, stat_activity, settings, database, replication.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import sql

from devcluster.operator.engine import Login
from devcluster.operator.exporter.text import Sample
from devcluster.operator.ports import LOOPBACK

PLURAL = "postgreses"
UP = "pg_up"
CONNECT_SECONDS = 3
STATEMENT_LIMIT = "-c statement_timeout=3000 -c application_name=exporter"
_PER_DATABASE = (
    "xact_commit", "xact_rollback", "blks_hit", "blks_read", "tup_returned", "tup_fetched", "tup_inserted",
    "tup_updated", "tup_deleted", "deadlocks", "conflicts", "temp_bytes",
)  # fmt: skip
_DATABASES = sql.SQL(
    "SELECT s.datname, pg_database_size(s.datid), {} FROM pg_stat_database s JOIN pg_database d ON d.oid = s.datid"
    " WHERE d.datallowconn"
).format(sql.SQL(", ").join(sql.Identifier("s", name) for name in _PER_DATABASE))
_ACTIVITY = (
    "SELECT coalesce(datname, ''), coalesce(state, ''), count(*) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() GROUP BY 1, 2"
)
_LAG = (
    "SELECT CASE WHEN NOT pg_is_in_recovery() OR pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
    " ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp())) END,"
    " pg_is_in_recovery()::int, current_setting('max_connections')::int"
)


async def read(port: int, login: Login) -> Sequence[Sample]:
    """Ask the server of one pod. Raises: psycopg.Error."""
    async with _connection(port, login) as connection:
        lag, is_replica, most = (await (await connection.execute(_LAG)).fetchall())[0]
        activity = await (await connection.execute(_ACTIVITY)).fetchall()
        databases = await (await connection.execute(_DATABASES)).fetchall()
    found = [
        Sample(name="pg_settings_max_connections", value=float(most)),
        Sample(name="pg_replication_is_replica", value=float(is_replica)),
    ]
    if lag is not None:
        found.append(Sample(name="pg_replication_lag_seconds", value=float(lag)))
    for database, state, count in activity:
        labels = {"datname": database, "state": state}
        found.append(Sample(name="pg_stat_activity_count", value=float(count), labels=labels))
    for database, size_bytes, *counters in databases:
        labels = {"datname": database}
        found.append(Sample(name="pg_database_size_bytes", value=float(size_bytes), labels=labels))
        found += [
            Sample(name=f"pg_stat_database_{name}", value=float(value), labels=labels)
            for name, value in zip(_PER_DATABASE, counters, strict=True)
        ]
    return found


@asynccontextmanager
async def _connection(port: int, login: Login) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
    connection = await psycopg.AsyncConnection.connect(
        host=LOOPBACK,
        port=port,
        user=login.username,
        password=login.password,
        dbname="postgres",
        connect_timeout=CONNECT_SECONDS,
        options=STATEMENT_LIMIT,
        autocommit=True,
    )
    async with connection:
        yield connection
