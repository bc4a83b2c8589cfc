"""The metadata database: SQLite, PostgreSQL or MongoDB, told apart by the URL alone."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url

from dbaas.settings.env import Environment

# WAL lets readers and one writer work at once; IMMEDIATE takes the write lock at BEGIN, so that two writers wait for each other
# instead of failing half-way with "database is locked".
_SQLITE_OPTIONS = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=20000; PRAGMA foreign_keys=ON;",
}


def database_from(environment: Environment) -> dict[str, Any]:
    """Return Django's DATABASES entry for the environment's DATABASE_URL."""
    url = environment.database_url or f"sqlite:///{environment.dbaas_data_dir / 'dbaas.sqlite3'}"
    scheme = urlsplit(url).scheme
    if scheme.startswith("mongodb"):
        return {"ENGINE": "django_mongodb_backend", "HOST": url, "NAME": urlsplit(url).path.lstrip("/") or "dbaas"}
    if scheme.startswith("postgres"):
        pool = {"min_size": 1, "max_size": environment.database_pool_size, "timeout": 10}
        parsed: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=0, conn_health_checks=True))
        return {**parsed, "OPTIONS": {**parsed.get("OPTIONS", {}), "pool": pool, "connect_timeout": 5}}
    parsed = dict(dj_database_url.parse(url, conn_max_age=None))
    Path(str(parsed["NAME"])).parent.mkdir(parents=True, exist_ok=True)
    return {**parsed, "OPTIONS": dict(_SQLITE_OPTIONS)}
