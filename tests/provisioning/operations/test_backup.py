"""That a copy has a row with what came of it, whatever the tool does meanwhile, and that it outlives its database unless told otherwise."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.backups.driver import NoBackupsHere
from provisioning.cluster.kinds import REPOSITORY
from provisioning.models import Backup, Cluster, Database, Operation
from provisioning.operations.delete_backup import BackupNotDeletable
from provisioning.services import control
from provisioning.services.refusals import StateForbids
from tests import cast
from tests.provisioning.operations.scenes import POLICY, ask, inventory
from tests.provisioning.rows import backup_of
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def backed_up(alice: User, stage: Stage, database: Database, note: str = "") -> Backup:
    ended = stage.play(ask(alice, database, "backup", {"note": note}))
    assert ended.state == "succeeded", ended.error_detail
    return Backup.objects.get(operation_id=ended.pk)


def test_that_a_copy_s_row_says_what_the_cluster_has(alice: User, database: Database, stage: Stage) -> None:
    copy = backed_up(alice, stage, database, "before the move")

    assert (copy.kind, copy.state, copy.note) == ("manual", "succeeded", "before the move")
    assert (copy.size_bytes, copy.version, copy.repository) == (
        2560,
        database.version,
        f"{database.object_name}-manual",
    )
    assert copy.taken_at is not None
    assert inventory(stage, database) == {"BackupSession": 1, "Snapshot": 1}


def test_that_a_run_that_the_tool_skipped_is_asked_for_again(alice: User, database: Database, stage: Stage) -> None:
    stage.operator.skips = 2

    copy = backed_up(alice, stage, database)

    assert copy.run.endswith("-3")
    assert inventory(stage, database) == {"BackupSession": 3, "Snapshot": 1}
    assert Backup.objects.count() == 1


def test_that_a_tool_that_always_skips_fails_the_backup(alice: User, database: Database, stage: Stage) -> None:
    stage.operator.skips = 1000

    failed = stage.play(ask(alice, database, "backup"), rounds=120)

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "backup.always_skipped", "ready")
    assert Backup.objects.get().state == "failed"


def test_that_a_failed_run_says_why(alice: User, database: Database, stage: Stage) -> None:
    stage.operator.fates = {"BackupSession": "Failed"}

    failed = stage.play(ask(alice, database, "backup"))

    copy = Backup.objects.get()
    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "backup.failed", "ready")
    assert (copy.state, copy.error) == ("failed", "It ended as Failed.")


def test_that_a_run_whose_copy_is_whole_has_succeeded_whatever_came_after(
    alice: User, database: Database, stage: Stage
) -> None:
    stage.operator.fates = {"BackupSession": "Failed", "Snapshot": "Succeeded"}

    assert backed_up(alice, stage, database).state == "succeeded"


def test_that_a_copy_that_the_tool_does_not_report_yet_has_succeeded_with_its_run(
    alice: User, database: Database, stage: Stage
) -> None:
    operation = ask(alice, database, "backup")
    stage.operator.fates = {"Snapshot": "Running"}

    ended = stage.play(operation)

    assert (ended.state, Backup.objects.get().state) == ("succeeded", "succeeded")


def test_that_a_cancelled_backup_is_no_backup(alice: User, database: Database, stage: Stage) -> None:
    operation = ask(alice, database, "backup")
    stage.work(operation)
    stage.operator.act(database)
    stage.is_due(stage.look(operation))
    stage.work(operation)

    control.cancel(cast.acting(alice), operation.id)
    ended = stage.work_on(operation)

    copy = Backup.objects.get()
    assert (ended.state, ended.database.state) == ("cancelled", "ready")
    assert (copy.state, copy.error) == ("failed", "The operation ended before the copy was whole.")


def test_that_a_region_without_backups_refuses(alice: User, database: Database) -> None:
    Cluster.objects.update(backup_driver="")

    with pytest.raises(NoBackupsHere):
        ask(alice, database, "backup")

    assert Database.objects.get().active_operation_id is None


def test_that_retention_takes_rows_along_and_leaves_other_databases_alone(
    alice: User, ordered: Ordered, database: Database, stage: Stage
) -> None:
    other = stage.provision(ordered("other")).database
    kept = backed_up(alice, stage, other)
    first = backed_up(alice, stage, database)
    stage.operator.delete_copies(database)

    second = backed_up(alice, stage, database)

    states = {one.pk: one.state for one in Backup.objects.all()}
    assert states == {kept.pk: "succeeded", first.pk: "deleted", second.pk: "succeeded"}


def test_that_a_deleted_backup_s_content_goes_with_it(alice: User, database: Database, stage: Stage) -> None:
    copy = backed_up(alice, stage, database)

    ended = stage.play(ask(alice, database, "delete_backup", {"backup": copy.pk}))

    copy.refresh_from_db()
    assert (ended.state, copy.state) == ("succeeded", "deleted")
    assert copy.deleted_at is not None
    assert inventory(stage, database)["Snapshot"] == 0


@pytest.mark.parametrize("state", ["running", "deleted"])
def test_that_only_what_has_ended_can_be_deleted(alice: User, database: Database, stage: Stage, state: str) -> None:
    copy = backed_up(alice, stage, database)
    Backup.objects.update(state=state)

    with pytest.raises(BackupNotDeletable):
        ask(alice, database, "delete_backup", {"backup": copy.pk})


def test_that_a_backup_outlives_its_database_and_can_be_deleted_then(
    alice: User, database: Database, stage: Stage
) -> None:
    copy = backed_up(alice, stage, database)
    stage.play(ask(alice, database, "delete"))
    survived = inventory(stage, database)

    ended = stage.play(ask(alice, database, "delete_backup", {"backup": copy.pk}))

    assert survived == {"Snapshot": 1}
    assert (ended.state, ended.database.state, inventory(stage, database)) == ("succeeded", "deleted", {})


def test_that_a_backup_that_never_came_to_be_goes_with_the_database_too(
    alice: User, database: Database, stage: Stage
) -> None:
    never = backup_of(database, state="failed", snapshot=None)

    ended = stage.play(ask(alice, database, "delete", {"backups": "delete"}))

    never.refresh_from_db()
    assert (ended.state, never.state) == ("succeeded", "deleted")


@pytest.mark.parametrize("how", ["along with it", "one by one"])
def test_that_the_archive_goes_with_the_last_backup(alice: User, database: Database, stage: Stage, how: str) -> None:
    stage.play(ask(alice, database, "backup_policy", {**POLICY, "point_in_time": True}))
    copy = backed_up(alice, stage, database)
    stage.operator.keep_every_change(database, until=stage.clock.now())

    if how == "along with it":
        ended = stage.play(ask(alice, database, "delete", {"backups": "delete"}))
    else:
        stage.play(ask(alice, database, "delete"))
        kept = inventory(stage, database)
        ended = stage.play(ask(alice, database, "delete_backup", {"backup": copy.pk}))
        assert kept == {"Snapshot": 3}

    assert (ended.state, inventory(stage, database)) == ("succeeded", {})
    assert stage.kube.list(REPOSITORY, namespace=database.namespace)[0] == []


def test_that_a_final_backup_is_taken_before_anything_goes(alice: User, database: Database, stage: Stage) -> None:
    ended = stage.play(ask(alice, database, "delete", {"final_backup": True}))

    copy = Backup.objects.get()
    assert (ended.state, copy.kind, copy.state) == ("succeeded", "final", "succeeded")
    assert inventory(stage, database) == {"Snapshot": 1}


def test_that_a_final_backup_that_fails_keeps_the_database(alice: User, database: Database, stage: Stage) -> None:
    stage.operator.fates = {"BackupSession": "Failed"}

    failed = stage.play(ask(alice, database, "delete", {"final_backup": True}))

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "backup.failed", "ready")
    assert stage.body(database) is not None


def test_that_a_paused_database_cannot_have_a_final_backup(alice: User, database: Database, stage: Stage) -> None:
    stage.play(ask(alice, database, "pause"))

    with pytest.raises(StateForbids):
        ask(alice, database, "delete", {"final_backup": True})


def test_that_copies_that_nobody_has_noted_yet_go_with_the_database_too(
    alice: User, database: Database, stage: Stage
) -> None:
    backed_up(alice, stage, database)
    stage.operator.take_snapshot(database, repository="scheduled")

    ended = stage.play(ask(alice, database, "delete", {"backups": "delete"}))

    assert (ended.state, inventory(stage, database)) == ("succeeded", {})
    assert set(Backup.objects.values_list("state", flat=True)) == {"deleted"}
