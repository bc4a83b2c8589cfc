"""That databases end when they should, that missed backups are told of once, and that schedules stay at the hour that was asked for."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.ids import uuid7
from provisioning.backups.schedules import in_utc
from provisioning.cluster.client import Gateway
from provisioning.models import BackupPolicy, Cluster, Database, DatabaseEvent, Operation
from provisioning.upkeep import expire_databases, keep_schedules_local, look_after_all, look_after_backups, tell
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for
from tests.provisioning.stage_operator import Operator

Ordered = Callable[..., Operation]
NOW = SYSTEM_CLOCK.now()
WINTER = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
SUMMER = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready, in a region where there are backups."""
    let_back_up(nowhere)
    return at_rest(ordered())


def ends(database: Database, after: timedelta, **columns: Any) -> None:
    Database.objects.filter(pk=database.pk).update(expires_at=NOW + after, **columns)


def reasons() -> list[str]:
    return [event.reason for event in DatabaseEvent.objects.order_by("id")]


def test_that_a_database_whose_end_has_come_is_deleted_and_its_backups_kept(resting: Database) -> None:
    ends(resting, -timedelta(seconds=1))

    expire_databases(NOW)

    operation = Operation.objects.get(kind="delete")
    assert (operation.database_id, operation.created_by) == (resting.id, resting.created_by)
    assert (operation.params["backups"], operation.params["final_backup"]) == ("keep", False)


def test_that_it_is_deleted_once_however_often_it_is_noticed(resting: Database) -> None:
    ends(resting, -timedelta(seconds=1))

    for _ in range(3):
        expire_databases(NOW)

    assert Operation.objects.filter(kind="delete").count() == 1


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(days=30)])
def test_that_a_database_whose_end_is_to_come_stays(resting: Database, after: timedelta) -> None:
    ends(resting, after)

    expire_databases(NOW)

    assert Database.objects.get().state == "ready"


def test_that_a_database_without_an_end_stays_and_hears_nothing(resting: Database) -> None:
    expire_databases(NOW)

    resting.refresh_from_db()
    assert resting.state == "ready"
    assert reasons() == []


def test_that_an_end_is_told_of_once_within_a_day(resting: Database) -> None:
    ends(resting, timedelta(hours=23))

    expire_databases(NOW)
    expire_databases(NOW)

    (event,) = DatabaseEvent.objects.all()
    assert (event.reason, event.is_warning, event.database_id) == ("ExpiresSoon", True, resting.id)
    assert f"{NOW + timedelta(hours=23):%Y-%m-%d %H:%M} UTC" in event.message


def test_that_an_end_that_is_far_is_not_told_of_yet(resting: Database) -> None:
    ends(resting, timedelta(hours=25))

    expire_databases(NOW)

    assert reasons() == []


def test_that_another_end_is_told_of_too(resting: Database) -> None:
    ends(resting, timedelta(hours=10))
    expire_databases(NOW)
    ends(resting, timedelta(hours=20), expiry_told_at=None)

    expire_databases(NOW)

    assert reasons() == ["ExpiresSoon", "ExpiresSoon"]


def test_that_a_protected_database_outlives_its_end_and_says_so_once(resting: Database) -> None:
    ends(resting, -timedelta(days=2), deletion_protection=True, expiry_told_at=NOW)

    expire_databases(NOW)
    expire_databases(NOW)

    assert Database.objects.get().state == "ready"
    assert reasons() == ["ExpiryRefused"]


def test_that_the_end_interrupts_a_running_operation(resting: Database, ordered: Ordered) -> None:
    provision = ordered("other")
    ends(provision.database, -timedelta(seconds=1))

    expire_databases(NOW)

    provision.refresh_from_db()
    assert provision.cancel_requested_at is not None
    assert Operation.objects.get(kind="delete").database_id == provision.database_id
    assert resting.state == "ready"


def test_that_one_whose_operation_ends_this_moment_ends_later(ordered: Ordered, nowhere: Cluster) -> None:
    del nowhere
    provision = ordered()
    ends(provision.database, -timedelta(seconds=1))
    Operation.objects.update(state="succeeded")

    expire_databases(NOW)

    assert not Operation.objects.filter(kind="delete").exists()
    assert Database.objects.get().is_live


def test_that_a_deleted_database_does_not_end_again(resting: Database) -> None:
    ends(resting, -timedelta(days=1), is_live=False, state="deleted")

    expire_databases(NOW)

    assert not Operation.objects.filter(kind="delete").exists()


def test_that_many_protected_ones_do_not_keep_the_others_alive(
    resting: Database, ordered: Ordered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.upkeep._AT_ONCE", 1)
    ends(resting, -timedelta(days=2), deletion_protection=True)
    other = at_rest(ordered("other"))
    ends(other, -timedelta(days=1))

    expire_databases(NOW)

    assert Operation.objects.get(kind="delete").database_id == other.id


def test_that_a_policy_is_set_again_when_its_zone_has_moved_its_clocks(resting: Database) -> None:
    applied_at = SUMMER if in_utc("0 2 * * *", "Europe/Berlin", at=NOW) == "0 1 * * *" else WINTER
    policy_for(resting, time_zone="Europe/Berlin", applied_at=applied_at, keep_daily=3)

    keep_schedules_local(NOW)
    keep_schedules_local(NOW)

    operation = Operation.objects.get(kind="backup_policy")
    assert operation.database_id == resting.id
    assert operation.params == {
        "schedule": "0 2 * * *",
        "time_zone": "Europe/Berlin",
        "keep_last": 7,
        "keep_daily": 3,
        "keep_weekly": 0,
        "keep_monthly": 0,
        "point_in_time": False,
        "is_paused": False,
    }


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Kolkata", "Europe/Berlin"])
def test_that_a_policy_whose_zone_stands_as_it_did_is_left_alone(resting: Database, time_zone: str) -> None:
    policy_for(resting, time_zone=time_zone, applied_at=NOW)

    keep_schedules_local(NOW)

    assert not Operation.objects.filter(kind="backup_policy").exists()


def test_that_one_policy_that_cannot_be_kept_does_not_hold_up_the_others(resting: Database, ordered: Ordered) -> None:
    applied_at = SUMMER if in_utc("0 2 * * *", "Europe/Berlin", at=NOW) == "0 1 * * *" else WINTER
    policy_for(resting, schedule="30 0 * * 1", time_zone="Europe/London", applied_at=SUMMER)
    other = at_rest(ordered("other"))
    policy_for(other, time_zone="Europe/Berlin", applied_at=applied_at)

    keep_schedules_local(NOW)

    assert [operation.database_id for operation in Operation.objects.filter(kind="backup_policy")] == [other.id]


def test_that_a_policy_that_cannot_be_set_again_now_is_set_again_later(resting: Database) -> None:
    applied_at = SUMMER if in_utc("0 2 * * *", "Europe/Berlin", at=NOW) == "0 1 * * *" else WINTER
    policy_for(resting, time_zone="Europe/Berlin", applied_at=applied_at)
    Cluster.objects.update(backup_driver="")

    keep_schedules_local(NOW)
    let_back_up(Cluster.objects.get())
    keep_schedules_local(NOW)

    assert Operation.objects.filter(kind="backup_policy").count() == 1


def test_that_an_event_is_written_once_for_its_key(resting: Database) -> None:
    for message in ("First.", "Again."):
        tell(resting, "key", "Noticed", message, is_warning=False, now=NOW)

    assert DatabaseEvent.objects.get().message == "First."


@pytest.fixture
def watched(database: Database) -> Database:
    """A database on the pocket cluster that is backed up every hour, since long ago."""
    let_back_up(database.cluster)
    policy_for(database, schedule="0 * * * *", applied_at=NOW - timedelta(days=2))
    return database


HALF_PAST = NOW.replace(minute=30, second=0, microsecond=0)
LAST_SLOT = HALF_PAST.replace(minute=0)


def missed() -> list[str]:
    found = DatabaseEvent.objects.filter(reason="BackupMissed").order_by("key")
    return [event.key.removeprefix("missed:") for event in found]


def test_that_every_missed_slot_of_the_last_hours_is_told_of_once(watched: Database) -> None:
    look_after_backups(HALF_PAST)
    look_after_backups(HALF_PAST)

    assert missed() == [(LAST_SLOT - timedelta(hours=hours)).isoformat() for hours in (5, 4, 3, 2, 1, 0)]
    assert all(event.is_warning for event in DatabaseEvent.objects.filter(database=watched))


def test_that_a_slot_counts_as_missed_only_when_the_cluster_cannot_catch_up_any_more(watched: Database) -> None:
    BackupPolicy.objects.update(applied_at=LAST_SLOT - timedelta(minutes=1))

    look_after_backups(LAST_SLOT + timedelta(minutes=19))
    early = missed()
    look_after_backups(LAST_SLOT + timedelta(minutes=20))

    assert (early, missed()) == ([], [LAST_SLOT.isoformat()])
    assert watched.backups.count() == 0


def test_that_a_slot_with_a_backup_was_not_missed(watched: Database) -> None:
    BackupPolicy.objects.update(applied_at=LAST_SLOT - timedelta(minutes=1))
    backup_of(watched, kind="scheduled", created_at=LAST_SLOT + timedelta(minutes=3), snapshot=None)

    look_after_backups(HALF_PAST)

    assert missed() == []


def test_that_a_backup_by_hand_does_not_stand_for_a_slot(watched: Database) -> None:
    BackupPolicy.objects.update(applied_at=LAST_SLOT - timedelta(minutes=1))
    backup_of(watched, kind="manual", created_at=LAST_SLOT + timedelta(minutes=3), snapshot=None)

    look_after_backups(HALF_PAST)

    assert missed() == [LAST_SLOT.isoformat()]


@pytest.mark.parametrize("columns", [{"is_paused": True}, {"applied_at": HALF_PAST}])
def test_that_slots_of_no_policy_in_force_are_nobody_s(watched: Database, columns: dict[str, Any]) -> None:
    BackupPolicy.objects.filter(database=watched).update(**columns)

    look_after_backups(HALF_PAST)

    assert missed() == []


def test_that_a_paused_database_misses_nothing(watched: Database) -> None:
    Database.objects.filter(pk=watched.pk).update(state="paused")

    look_after_backups(HALF_PAST)

    assert missed() == []


def test_that_of_a_cluster_that_does_not_answer_nothing_is_said(watched: Database) -> None:
    Cluster.objects.update(kubeconfig_path="/nonexistent")

    look_after_backups(HALF_PAST)

    assert missed() == []
    assert watched.backups.count() == 0


def test_that_what_a_schedule_took_becomes_a_row(watched: Database, kube: Gateway) -> None:
    Operator(kube=kube).take_snapshot(watched, repository="scheduled")

    look_after_all()

    backup = watched.backups.get()
    assert (backup.kind, backup.state, backup.size_bytes) == ("scheduled", "succeeded", 2560)


def test_that_nothing_was_missed_while_it_was_paused(watched: Database) -> None:
    paused = Operation.objects.filter(database=watched).earliest("id")
    paused.pk, paused.kind, paused.idempotency_key = uuid7(), "resume", None
    paused.finished_at = LAST_SLOT - timedelta(minutes=90)
    paused.save(force_insert=True)

    look_after_backups(LAST_SLOT + timedelta(minutes=25))

    assert missed() == [(LAST_SLOT - timedelta(hours=1)).isoformat(), LAST_SLOT.isoformat()]
