import pytest
from django.contrib.sessions.models import Session
from django.db.migrations.recorder import MigrationRecorder

from dbaas.core.db import RollbackDoesNotWork, prove_rollback
from dbaas.health.startup import MigrationsMissing, require_migrated, require_rollback


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_noticed() -> None:
    MigrationRecorder.Migration.objects.filter(app="tenants").delete()

    with pytest.raises(MigrationsMissing):
        require_migrated()


@pytest.mark.django_db(transaction=True)
def test_the_proof_leaves_nothing_behind() -> None:
    require_rollback()

    assert Session.objects.count() == 0


def test_a_database_that_keeps_what_was_rolled_back_is_refused(db: None) -> None:
    del db
    kept: list[int] = []

    with pytest.raises(RollbackDoesNotWork):
        prove_rollback(write=lambda: kept.append(1), is_written=lambda: bool(kept))
