"""What must be true once, before a process does any work: the schema is ours, and a rollback rolls back."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from dbaas.core.db import prove_rollback
from dbaas.core.ids import uuid7


class MigrationsMissing(RuntimeError):
    """The metadata database's schema is older than this program: run manage.py migrate."""


class _Proven:
    def __init__(self) -> None:
        self.is_done = False


_proven = _Proven()


def require_started() -> None:
    """Check the schema and the rollback; once they held, this costs nothing.

    Raises: MigrationsMissing. dbaas.core.db.RollbackDoesNotWork. django.db.Error — the database does not answer.
    """
    if _proven.is_done:
        return
    require_migrated()
    require_rollback()
    _proven.is_done = True


def require_migrated() -> None:
    """Check that every migration has been applied.

    Raises: MigrationsMissing.
    """
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MigrationsMissing(MigrationsMissing.__doc__)


def require_rollback() -> None:
    """Write a row that must not stay. Django's session table serves: its key is text, and nobody reads a session that has expired."""
    key = uuid7().hex
    expired_at = timezone.now() - timedelta(days=1)
    prove_rollback(
        write=lambda: Session(session_key=key, session_data="", expire_date=expired_at).save(force_insert=True),
        is_written=lambda: Session.objects.filter(session_key=key).exists(),
    )
