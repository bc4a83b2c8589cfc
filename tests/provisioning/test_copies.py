"""That the rows of backups follow what the backup tool reports: found, grown, failed, gone, and never another database's."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.backups.driver import Outcome, Seen
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import SNAPSHOT
from provisioning.copies import note_all_copies, note_copies
from provisioning.models import Backup, Cluster, Database, Operation
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import Farewell, delete_database
from tests import cast
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for
from tests.provisioning.stage import Stage
from tests.provisioning.stage_operator import Operator

Ordered = Callable[..., Operation]
NOW = SYSTEM_CLOCK.now()
TAKEN = NOW - timedelta(minutes=5)


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready."""
    let_back_up(nowhere)
    return at_rest(ordered())


def seen(database: Database, **fields: Any) -> Seen:
    """Return a copy of this database as the tool reports it: unless told otherwise, a scheduled one that is whole."""
    whole: dict[str, Any] = {
        "object_name": database.object_name,
        "snapshot": "snapshot-1",
        "repository": f"{database.object_name}-scheduled",
        "run": "run-1",
        "is_scheduled": True,
        "outcome": Outcome.SUCCEEDED,
        "at": TAKEN,
        "size_bytes": 2048,
        "version": database.version,
    }
    return Seen(**{**whole, **fields})


def test_that_what_a_schedule_took_becomes_a_row(resting: Database) -> None:
    note_copies([seen(resting, checksum="abc")], [resting], now=NOW)

    row = Backup.objects.get()
    assert (row.kind, row.state, row.operation_id, row.note) == ("scheduled", "succeeded", None, "")
    assert (row.tenant_id, row.database_id, row.engine, row.version) == (
        resting.tenant_id,
        resting.id,
        resting.engine,
        resting.version,
    )
    assert (row.created_at, row.taken_at, row.size_bytes, row.checksum) == (TAKEN, TAKEN, 2048, "abc")
    assert (row.snapshot, row.repository, row.run) == ("snapshot-1", f"{resting.object_name}-scheduled", "run-1")


def test_that_looking_again_changes_nothing(
    resting: Database, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    note_copies([seen(resting)], [resting], now=NOW)
    before = Backup.objects.values().get()

    with django_assert_max_num_queries(1):
        note_copies([seen(resting)], [resting], now=NOW + timedelta(hours=1))

    assert Backup.objects.values().get() == before


def test_that_the_row_of_an_operation_is_found_by_its_run(resting: Database) -> None:
    row = backup_of(resting, state="running", run="ours-1", snapshot=None, taken_at=None, note="before", kind="safety")

    note_copies([seen(resting, run="ours-1", is_scheduled=False)], [resting], now=NOW)

    row.refresh_from_db()
    assert Backup.objects.count() == 1
    assert (row.state, row.snapshot, row.size_bytes, row.taken_at) == ("succeeded", "snapshot-1", 2048, TAKEN)
    assert (row.kind, row.note) == ("safety", "before")


def test_that_rows_without_a_run_are_not_taken_for_each_other(resting: Database) -> None:
    row = backup_of(resting, run="", snapshot="snapshot-0")

    note_copies(
        [seen(resting, snapshot="snapshot-0", run=""), seen(resting, run="", snapshot="snapshot-1")],
        [resting],
        now=NOW,
    )

    assert Backup.objects.count() == 2
    assert Backup.objects.filter(state="succeeded").count() == 2
    assert Backup.objects.get(snapshot="snapshot-0").pk == row.pk


@pytest.mark.parametrize(
    ("outcome", "state", "taken_at"),
    [
        (Outcome.RUNNING, "running", None),
        (Outcome.SUCCEEDED, "succeeded", TAKEN),
        (Outcome.FAILED, "failed", None),
        (Outcome.SKIPPED, "failed", None),
    ],
)
def test_that_the_outcome_is_the_row_s_state(resting: Database, outcome: Outcome, state: str, taken_at: Any) -> None:
    note_copies([seen(resting, outcome=outcome, error="No room." if state == "failed" else "")], [resting], now=NOW)

    row = Backup.objects.get()
    assert (row.state, row.taken_at) == (state, taken_at)
    assert row.error == ("No room." if state == "failed" else "")


def test_that_a_running_one_becomes_whole(resting: Database) -> None:
    note_copies([seen(resting, outcome=Outcome.RUNNING, size_bytes=None)], [resting], now=NOW)

    note_copies([seen(resting)], [resting], now=NOW)

    row = Backup.objects.get()
    assert (row.state, row.size_bytes) == ("succeeded", 2048)


@pytest.mark.parametrize("state", ["running", "succeeded"])
def test_that_what_retention_took_away_counts_as_deleted(resting: Database, state: str) -> None:
    row = backup_of(resting, state=state)

    note_copies([], [resting], now=NOW)

    row.refresh_from_db()
    assert (row.state, row.deleted_at) == ("deleted", NOW)


def test_that_a_failed_one_stays_to_say_why(resting: Database) -> None:
    row = backup_of(resting, state="failed", error="No room.")

    note_copies([], [resting], now=NOW)

    row.refresh_from_db()
    assert (row.state, row.error) == ("failed", "No room.")


def test_that_a_copy_that_is_not_there_yet_is_not_deleted(resting: Database) -> None:
    row = backup_of(resting, state="running", snapshot=None, run="ours-1")

    note_copies([], [resting], now=NOW)

    row.refresh_from_db()
    assert row.state == "running"


def test_that_one_that_is_leaving_is_not_taken_up_again(resting: Database) -> None:
    note_copies([seen(resting, is_leaving=True)], [resting], now=NOW)

    assert not Backup.objects.exists()


def test_that_one_that_was_deleted_and_is_still_leaving_stays_deleted(resting: Database) -> None:
    row = backup_of(resting, state="deleted", snapshot="snapshot-1", deleted_at=NOW)

    note_copies([seen(resting, is_leaving=True)], [resting], now=NOW)

    row.refresh_from_db()
    assert row.state == "deleted"


def test_that_a_list_that_was_cut_short_once_loses_nothing_for_good(resting: Database) -> None:
    note_copies([seen(resting)], [resting], now=NOW)
    note_copies([], [resting], now=NOW)

    note_copies([seen(resting)], [resting], now=NOW)

    row = Backup.objects.get()
    assert (row.state, row.deleted_at) == ("succeeded", None)


def test_that_each_copy_goes_to_its_own_database(resting: Database, ordered: Ordered) -> None:
    other = at_rest(ordered("other"))
    copies = [seen(resting), seen(other, snapshot="snapshot-2"), seen(resting, object_name="pg-foreign", snapshot="x")]

    note_copies(copies, [resting, other], now=NOW)

    assert [(row.database_id, row.snapshot) for row in Backup.objects.order_by("snapshot")] == [
        (resting.id, "snapshot-1"),
        (other.id, "snapshot-2"),
    ]


def test_that_databases_that_are_not_asked_about_are_left_alone(resting: Database, ordered: Ordered) -> None:
    other = backup_of(at_rest(ordered("other")))

    note_copies([], [resting], now=NOW)

    other.refresh_from_db()
    assert other.state == "succeeded"


@pytest.fixture
def stored(database: Database) -> Database:
    """A database on the pocket cluster, where there are backups."""
    let_back_up(database.cluster)
    return Database.objects.select_related("cluster").get(pk=database.pk)


def test_that_a_whole_cluster_is_noted_deleted_databases_too(stored: Database, kube: Gateway) -> None:
    operator = Operator(kube=kube)
    operator.take_snapshot(stored, repository="scheduled")
    operator.take_snapshot(stored, repository="manual", phase="Failed")
    Database.objects.filter(pk=stored.pk).update(is_live=False, state="deleted")

    note_all_copies(kube, stored.cluster)
    states = {row.kind: row.state for row in Backup.objects.all()}
    operator.delete_all(stored, SNAPSHOT)
    note_all_copies(kube, stored.cluster)

    assert states == {"scheduled": "succeeded", "manual": "failed"}
    assert {row.kind: row.state for row in Backup.objects.all()} == {"scheduled": "deleted", "manual": "failed"}


def test_that_the_window_of_recovery_is_noted_and_forgotten_with_its_copies(stored: Database, kube: Gateway) -> None:
    operator = Operator(kube=kube)
    policy_for(stored, point_in_time=True)
    full = operator.take_snapshot(stored, repository="full")
    logs = {"wal-0": {"phase": "Running", "logStats": {"end": "2026-01-31T13:00:00Z"}}}
    operator.say(full, {"components": logs})

    note_all_copies(kube, stored.cluster)
    stored.refresh_from_db()
    window = (stored.restorable_from, stored.restorable_until)
    operator.delete_all(stored, SNAPSHOT)
    note_all_copies(kube, stored.cluster)
    stored.refresh_from_db()

    assert [f"{end:%H:%M}" for end in window if end] == ["12:00", "13:00"]
    assert (stored.restorable_from, stored.restorable_until) == (None, None)
    assert not Backup.objects.exists()


def test_that_the_final_backup_outlives_the_others(alice: User, stored: Database, stage: Stage) -> None:
    stage.operator.take_snapshot(stored)
    note_all_copies(stage.kube, stored.cluster)
    farewell = Farewell(keeps_backups=False, takes_final_backup=True)

    stage.play(delete_database(cast.acting(alice), stored.id, Idempotency(), farewell).operation)

    states = {row.kind: row.state for row in Backup.objects.all()}
    assert states == {"manual": "deleted", "final": "succeeded"}
