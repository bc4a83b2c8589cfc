"""The one door to transactions: the same words on SQLite, PostgreSQL and MongoDB.

Django's own `atomic` is a silent no-op on MongoDB, so nobody else may use it (an import rule says so); `prove_rollback` shows at the start
of every process that a rollback really rolls back.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

from django.db import connection, transaction


def atomic() -> AbstractContextManager[None]:
    """Open a transaction that commits when the block ends and rolls back when it raises."""
    if connection.vendor == "mongodb":
        from django_mongodb_backend.transaction import atomic as mongodb_atomic

        return mongodb_atomic()  # type: ignore[no-any-return]
    return transaction.atomic()


def after_commit(action: Callable[[], None]) -> None:
    """Run `action` once the open transaction is committed; its failure is logged and never reaches the caller.

    On MongoDB it may run a moment before the commit, so `action` must only ever be a nudge.
    """
    transaction.on_commit(action, robust=True)


def in_transaction() -> bool:
    """Tell whether a transaction is open, so that the cluster client can refuse to be called inside one."""
    return connection.in_atomic_block or getattr(connection, "in_atomic_block_mongo", False)


class RollbackDoesNotWork(RuntimeError):
    """The metadata database keeps what a failed transaction wrote; MongoDB needs a replica set (one member is enough)."""


class _Deliberate(Exception):
    pass


def prove_rollback(write: Callable[[], None], is_written: Callable[[], bool]) -> None:
    """Write inside a transaction that fails on purpose, and check that nothing of it stayed.

    Raises: RollbackDoesNotWork — it stayed; no operation may be accepted on such a database.
    """
    try:
        with atomic():
            write()
            raise _Deliberate
    except _Deliberate:
        pass  # what was to be proved follows
    if is_written():
        raise RollbackDoesNotWork(RollbackDoesNotWork.__doc__)
