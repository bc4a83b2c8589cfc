"""That /metrics shows how old the newest good backups are, and which have not come that were due."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.models import BackupPolicy, Database, Operation
from provisioning.telemetry import backups
from provisioning.telemetry.backups import BACKUPS
from tests.provisioning.rows import at_rest, backup_of, policy_for

pytestmark = pytest.mark.usefixtures("nowhere")

HALF_PAST = SYSTEM_CLOCK.now().replace(minute=30, second=0, microsecond=0)
LAST_SLOT = HALF_PAST - timedelta(minutes=30)
HOUR = 3600.0


@pytest.fixture
def database(ordered: Callable[..., Operation]) -> Database:
    """A database that is backed up every hour, since long ago."""
    resting = at_rest(ordered())
    policy_for(resting, schedule="0 * * * *", applied_at=LAST_SLOT - timedelta(hours=9))
    return resting


def read(name: str, *, now: datetime = HALF_PAST) -> dict[tuple[str, ...], float]:
    reading = next(reading for reading in BACKUPS if reading.name == name)
    return dict(reading.read(now))


def labels(database: Database) -> tuple[str, ...]:
    return (database.tenant.name, str(database.pk), database.engine)


def test_that_the_newest_good_backup_counts(database: Database) -> None:
    for hours, state in ((3, "succeeded"), (2, "succeeded"), (1, "failed")):
        backup_of(database, state=state, created_at=HALF_PAST - timedelta(hours=hours))

    assert read("dbaas_backup_age_seconds") == {labels(database): 2 * HOUR}


def test_that_without_a_backup_the_policy_s_age_counts(database: Database) -> None:
    assert read("dbaas_backup_age_seconds") == {labels(database): 9.5 * HOUR}


def test_that_a_backup_that_came_is_not_overdue(database: Database) -> None:
    backup_of(database, created_at=LAST_SLOT + timedelta(seconds=20))

    assert read("dbaas_backup_overdue_seconds") == {}


def test_that_the_first_slot_that_was_left_out_counts(database: Database) -> None:
    backup_of(database, created_at=LAST_SLOT - timedelta(hours=3) + timedelta(seconds=20))

    assert read("dbaas_backup_overdue_seconds") == {labels(database): 2.5 * HOUR}


def test_that_slots_during_a_pause_of_the_database_do_not_count(database: Database) -> None:
    operation = Operation.objects.get(database=database)
    Operation.objects.filter(pk=operation.pk).update(kind="resume", finished_at=LAST_SLOT - timedelta(minutes=90))

    assert read("dbaas_backup_overdue_seconds") == {labels(database): 1.5 * HOUR}


def test_that_a_database_that_has_just_come_back_is_not_overdue(database: Database) -> None:
    operation = Operation.objects.get(database=database)
    Operation.objects.filter(pk=operation.pk).update(kind="resume", finished_at=LAST_SLOT + timedelta(minutes=10))

    assert read("dbaas_backup_overdue_seconds") == {}


@pytest.mark.parametrize(
    ("of_policy", "of_database"), [({"is_paused": True}, {}), ({}, {"state": "paused"}), ({}, {"state": "deleted"})]
)
def test_that_who_is_not_to_be_backed_up_now_is_left_out(
    database: Database, of_policy: dict[str, Any], of_database: dict[str, Any]
) -> None:
    BackupPolicy.objects.filter(database=database).update(keep_last=7, **of_policy)
    Database.objects.filter(pk=database.pk).update(phase="", **of_database)

    assert read("dbaas_backup_age_seconds") == read("dbaas_backup_overdue_seconds") == {}
    assert read("dbaas_backup_policies") == {(): 0.0}


def test_that_only_the_oldest_are_shown(
    database: Database, ordered: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_of(database, created_at=LAST_SLOT - timedelta(hours=1))
    older = at_rest(ordered("older"))
    policy_for(older, schedule="0 * * * *", applied_at=LAST_SLOT - timedelta(hours=20))
    monkeypatch.setattr(backups, "DATABASES_SHOWN", 1)

    assert list(read("dbaas_backup_age_seconds")) == [labels(older)]
    assert list(read("dbaas_backup_overdue_seconds")) == [labels(older)]
    assert read("dbaas_backup_policies") == {(): 2.0}
