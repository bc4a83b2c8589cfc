"""That a request whose repetition overtook it is told of the one operation, even when that operation has come and gone meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from provisioning.models import Cluster, Database, Operation
from provisioning.services.acceptance import Accepted, Idempotency
from provisioning.services.ordering import delete_database
from provisioning.services.requesting import request_operation
from tests import cast
from tests.provisioning.rows import at_rest

Ask = Callable[[], Accepted]
SAME = Idempotency(key="k1", fingerprint="same")


@pytest.fixture
def resting(nowhere: Cluster, ordered: Callable[..., Operation]) -> Database:
    """A database that is ready."""
    del nowhere
    return at_rest(ordered())


@contextmanager
def overtaken(after: str, repetition: Callable[[], object]) -> Iterator[None]:
    """Let the repetition go through right after the last query outside a transaction that reads `after`."""
    left = [repetition]

    def interfere(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if left and after in sql and sql.startswith("SELECT"):
            left.pop()()
        return result

    with connection.execute_wrapper(interfere):
        yield
    assert not left, f"nothing reads {after}"


def ended(accepted: Accepted, state: str) -> None:
    """Let the operation be over, and leave the database in a state from which the same cannot begin."""
    Operation.objects.filter(pk=accepted.operation.pk).update(state="succeeded", holds_database=False)
    Database.objects.update(state=state, active_operation_id=None, active_operation_kind="")


def test_that_a_change_that_was_overtaken_is_told_of_its_operation(alice: User, resting: Database) -> None:
    def ask() -> Accepted:
        return request_operation(cast.acting(alice), resting.id, "pause", {}, SAME)

    with overtaken('"idempotency_key" = ', lambda: ended(ask(), "paused")):
        told = ask()

    assert told.is_replay
    assert Operation.objects.filter(kind="pause").count() == 1


def test_that_a_deletion_that_was_overtaken_is_told_of_its_operation(alice: User, resting: Database) -> None:
    def ask() -> Accepted:
        return delete_database(cast.acting(alice), resting.id, SAME)

    with overtaken('"idempotency_key" = ', lambda: ended(ask(), "deleted")):
        told = ask()

    assert told.is_replay
    assert Operation.objects.filter(kind="delete").count() == 1
