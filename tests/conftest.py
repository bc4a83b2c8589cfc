"""Fixtures that every test may use; the functions behind them are in tests.cast."""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import connections

from accounts.models import User
from accounts.permissions import Role
from tenants.models import Tenant
from tests import cast

_Result = TypeVar("_Result")


@pytest.fixture(scope="session", autouse=True)
def static_root() -> None:
    """Make the folder that collectstatic would fill; WhiteNoise warns without it, and warnings are errors."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@pytest.fixture
def api() -> cast.Api:
    """Call the API as nobody; `api.by(user)` calls as somebody."""
    return cast.Api()


@pytest.fixture
def alice(db: None) -> User:
    """The owner of the tenant `shop`."""
    del db
    return cast.person("alice")


@pytest.fixture
def bob(db: None) -> User:
    """A viewer of the tenant `shop`, once that fixture is used."""
    del db
    return cast.person("bob")


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger to the tenant `shop`."""
    del db
    return cast.person("charlie")


@pytest.fixture
def shop(alice: User, bob: User) -> Tenant:
    """Alice's tenant, of which bob is a viewer."""
    tenant = cast.tenant_of(alice)
    cast.join(alice, tenant, bob, Role.VIEWER)
    return tenant


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """A metadata database that several threads use at once; with SQLite a file in WAL mode as in production, not the usual one in memory."""
    del transactional_db
    original = connections["default"]
    if original.vendor != "sqlite":
        yield
        return
    before = connections.settings["default"]
    path = tmp_path / "shared.sqlite3"
    _copy_schema(original, path)
    connections.settings["default"] = {**before, "NAME": str(path)}
    connections["default"] = connections.create_connection("default")
    connections["default"].ensure_connection()
    yield
    connections["default"].close()
    connections.settings["default"] = before
    connections["default"] = original


def _copy_schema(original: Any, path: Path) -> None:
    original.ensure_connection()
    copy = sqlite3.connect(path)
    original.connection.backup(copy)
    copy.execute(
        "PRAGMA journal_mode=WAL"
    )  # as `migrate` leaves it; many first connections at once could not all switch it
    copy.close()


@pytest.fixture
def at_once(shared_database: None) -> Callable[[list[Callable[[], _Result]]], list[_Result | Exception]]:
    """Run all of these at the same moment, each in a thread with a connection of its own; return results and exceptions in order."""
    del shared_database

    def run(actions: list[Callable[[], _Result]]) -> list[_Result | Exception]:
        start = Barrier(len(actions))
        with ThreadPoolExecutor(len(actions)) as pool:
            return list(pool.map(lambda action: _outcome(action, start), actions))

    return run


def _outcome(action: Callable[[], _Result], start: Barrier) -> _Result | Exception:
    start.wait(timeout=10)
    try:
        return action()
    except Exception as error:  # noqa: BLE001 -- the test looks at it
        return error
    finally:
        connections.close_all()
