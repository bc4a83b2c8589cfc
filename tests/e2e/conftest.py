"""One running system for the end-to-end tests of a session, and customers of it.

Tests run side by side in two groups, `system` and `stories`, each with a system of its own: most of a story is waiting.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import Customer, System, new_customer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system that tests may hurt, as supervisord mends it."""
    running = System(tmp_path_factory.mktemp("system"))
    running.start()
    yield running
    running.interrupt()


@pytest.fixture
def customer(system: System) -> Iterator[Customer]:
    """A new customer with a tenant of their own."""
    with new_customer(system, f"customer-{next(_numbers)}") as someone:
        yield someone


@pytest.fixture
def own_system(tmp_path: Path) -> Iterator[System]:
    """A system that is not started yet, for tests of starting and stopping."""
    mine = System(tmp_path)
    yield mine
    if mine.launcher is not None and mine.launcher.poll() is None:
        mine.interrupt()
