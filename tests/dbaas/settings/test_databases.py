"""That one URL chooses the metadata database, with what each kind needs to be safe."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from dbaas.settings.databases import database_from
from dbaas.settings.env import Environment
from tests.dbaas.settings.conftest import SECRETS


def database(tmp_path: Path, url: str, **more: Any) -> dict[str, Any]:
    secrets = {name.lower(): value for name, value in SECRETS.items()}
    given: dict[str, Any] = {
        **secrets,
        "broker_url": "memory://",
        "database_url": url,
        "dbaas_data_dir": tmp_path,
        **more,
    }
    return database_from(Environment(**given))


def test_that_without_a_url_it_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    found = database(tmp_path / "new", "")

    assert found["ENGINE"] == "django.db.backends.sqlite3"
    assert found["NAME"] == str(tmp_path / "new" / "dbaas.sqlite3")
    assert (tmp_path / "new").is_dir()


def test_that_sqlite_waits_for_its_lock_and_keeps_readers_going(tmp_path: Path) -> None:
    options = database(tmp_path, f"sqlite:///{tmp_path}/x.sqlite3")["OPTIONS"]

    connection = sqlite3.connect(tmp_path / "x.sqlite3")
    connection.executescript(options["init_command"])
    modes = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "busy_timeout", "foreign_keys")
    ]
    connection.close()
    assert (options["timeout"], options["transaction_mode"]) == (20, "IMMEDIATE")
    assert modes == ["wal", 20000, 1]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_that_postgresql_has_a_pool_of_the_size_that_is_given(tmp_path: Path, scheme: str) -> None:
    found = database(tmp_path, f"{scheme}://bob:p%40ss@db:5433/meta?sslmode=require", database_pool_size=7)

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db", 5433, "meta")
    assert (found["USER"], found["PASSWORD"]) == ("bob", "p@ss")
    assert (found["OPTIONS"]["pool"]["max_size"], found["OPTIONS"]["sslmode"]) == (7, "require")
    assert found["CONN_MAX_AGE"] == 0, "a pool and persistent connections exclude each other"


@pytest.mark.parametrize(
    ("url", "name"),
    [("mongodb://a,b/meta?replicaSet=rs", "meta"), ("mongodb+srv://a/", "dbaas"), ("mongodb://a", "dbaas")],
)
def test_that_mongodb_is_given_its_url_and_a_name(tmp_path: Path, url: str, name: str) -> None:
    assert database(tmp_path, url) == {"ENGINE": "django_mongodb_backend", "HOST": url, "NAME": name}
