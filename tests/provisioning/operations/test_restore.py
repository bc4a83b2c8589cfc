"""That a restore brings the right copy into the right database, and what it leaves when it fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from dbaas.core.ids import uuid7
from provisioning.cluster.kinds import RESTORE_SESSION
from provisioning.engine import Body
from provisioning.models import Backup, BackupPolicy, Database, Operation
from provisioning.operations.restore import NoSuchBackup
from provisioning.orders import InvalidOrder, Origin
from tests import cast
from tests.provisioning.operations.scenes import POLICY, ask, check_quota, inventory
from tests.provisioning.stage import Stage
from tests.provisioning.stage_operator import condition

Ordered = Callable[..., Operation]


@pytest.fixture
def copies(alice: User, database: Database, stage: Stage) -> list[Backup]:
    """Two copies of the database, the older one first."""
    for _ in range(2):
        assert stage.play(ask(alice, database, "backup")).state == "succeeded"
    rows = list(Backup.objects.order_by("created_at"))
    for age, row in enumerate(reversed(rows)):
        row.taken_at = row.created_at - timedelta(hours=age)
        row.save()
    return rows


def restored_from(stage: Stage, database: Database) -> Body:
    bodies, _ = stage.kube.list(RESTORE_SESSION, namespace=database.namespace)
    (source,) = (one["spec"]["dataSource"] for one in bodies if one["spec"]["target"]["name"] == database.object_name)
    return dict(source)


def restored(stage: Stage, order: Ordered, **origin: Any) -> Operation:
    return stage.play(order("copy", engine=None, restore_from=Origin(**origin)))


def test_that_the_latest_copy_is_taken_and_a_safety_backup_first(
    alice: User, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    ended = stage.play(ask(alice, database, "restore"))

    safety = Backup.objects.latest("created_at")
    assert (ended.state, ended.database.state) == ("succeeded", "ready")
    assert restored_from(stage, database)["snapshot"] == copies[1].snapshot
    assert (safety.kind, safety.state) == ("safety", "succeeded")
    assert Backup.objects.count() == 3
    check_quota(ended.database)


def test_that_any_copy_may_be_taken_and_the_safety_backup_left_out(
    alice: User, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    ended = stage.play(ask(alice, database, "restore", {"backup": copies[0].pk, "safety_backup": False}))

    assert ended.state == "succeeded"
    assert restored_from(stage, database)["snapshot"] == copies[0].snapshot
    assert Backup.objects.count() == 2


def test_that_a_safety_backup_that_fails_keeps_what_is_there(
    alice: User, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    stage.operator.fates = {"BackupSession": "Failed"}

    failed = stage.play(ask(alice, database, "restore"))

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "backup.failed", "ready")
    assert inventory(stage, database)["RestoreSession"] == 0
    assert len(copies) == 2


def test_that_a_restore_that_fails_says_why_and_the_next_one_may_come(
    alice: User, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    stage.operator.fates = {"RestoreSession": "Failed"}

    failed = stage.play(ask(alice, database, "restore"))

    stage.operator.fates = {}
    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "restore.failed", "ready")
    assert failed.error_detail == "The restore failed: It ended as Failed."
    assert stage.play(ask(alice, database, "restore", {"backup": copies[0].pk})).state == "succeeded"


@pytest.mark.parametrize("state", ["failed", "running", "deleted", None])
def test_that_only_a_good_copy_of_this_very_database_can_be_restored(
    alice: User, ordered: Ordered, database: Database, stage: Stage, copies: list[Backup], state: str | None
) -> None:
    target = database if state else stage.provision(ordered("other")).database
    Backup.objects.update(state=state or "succeeded")

    for body in ({}, {"backup": copies[0].pk}, {"backup": uuid7()}):
        with pytest.raises(NoSuchBackup):
            ask(alice, target, "restore", body)

    assert Database.objects.get(pk=target.pk).active_operation_id is None


def test_that_a_new_database_is_like_its_source_unless_told_otherwise(
    ordered: Ordered, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    ended = restored(stage, ordered, backup=copies[0].pk)

    made = ended.database
    names = ("engine", "version", "plan", "topology", "storage_gib", "region")
    assert (ended.kind, ended.state, made.state) == ("restore_into_new", "succeeded", "ready")
    assert [getattr(made, name) for name in names] == [getattr(database, name) for name in names]
    assert restored_from(stage, made)["snapshot"] == copies[0].snapshot
    assert made.endpoint_port == stage.node_port(made)
    check_quota(made, database)


def test_that_a_new_database_whose_content_does_not_come_is_removed_again(
    ordered: Ordered, database: Database, stage: Stage, copies: list[Backup]
) -> None:
    stage.operator.fates = {"RestoreSession": "Failed"}

    failed = restored(stage, ordered, backup=copies[0].pk)

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "restore.failed", "failed")
    assert (stage.body(failed.database), inventory(stage, failed.database)) == (None, {})
    check_quota(failed.database, database)


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"engine": "mysql"}, "engine"),
        ({"region": "elsewhere"}, "region"),
        ({"version": "17.4"}, "restore_from"),
        ({"version": "16.13"}, "version"),
    ],
)
def test_that_what_cannot_take_the_content_is_refused(
    ordered: Ordered, copies: list[Backup], wish: dict[str, Any], field: str
) -> None:
    origin = Origin(backup=copies[0].pk, database=copies[0].database_id if field == "restore_from" else None)

    with pytest.raises(InvalidOrder) as refused:
        ordered("copy", **{"engine": None, "restore_from": origin, **wish})

    assert refused.value.errors[0].field == field
    assert not Database.objects.filter(name="copy").exists()


def test_that_a_disk_that_cannot_hold_the_copy_is_refused(ordered: Ordered, copies: list[Backup]) -> None:
    Backup.objects.update(size_bytes=12 * 2**30 + 1)

    with pytest.raises(InvalidOrder) as refused:
        ordered("copy", engine=None, storage_gib=12, restore_from=Origin(backup=copies[0].pk))

    assert [(error.field, error.code) for error in refused.value.errors] == [("storage_gib", "too_small")]


def test_that_another_tenant_s_copy_is_unknown(ordered: Ordered, charlie: User, copies: list[Backup]) -> None:
    Backup.objects.update(tenant=cast.tenant_of(charlie, "other"))

    with pytest.raises(InvalidOrder) as refused:
        ordered("copy", engine=None, restore_from=Origin(backup=copies[0].pk))

    assert refused.value.errors[0].code == "unknown_backup"


def restorable(alice: User, stage: Stage, database: Database, hours: int = 2) -> Database:
    """Let the database be restorable to any moment of the last hours."""
    assert stage.play(ask(alice, database, "backup_policy", {**POLICY, "point_in_time": True})).state == "succeeded"
    Database.objects.filter(pk=database.pk).update(restorable_from=database.created_at - timedelta(hours=hours))
    stage.operator.keep_every_change(database, until=database.created_at)
    return Database.objects.get(pk=database.pk)


def test_that_a_new_database_may_begin_as_another_was_at_a_moment(
    alice: User, ordered: Ordered, database: Database, stage: Stage
) -> None:
    source = restorable(alice, stage, database)
    at = source.created_at - timedelta(hours=1)

    ended = restored(stage, ordered, database=source.pk, point_in_time=at)

    body = stage.body(ended.database)
    assert body is not None
    assert (ended.state, ended.database.state) == ("succeeded", "ready")
    assert body["spec"]["init"]["archiver"]["fullDBRepository"]["name"] == f"{source.object_name}-full"
    assert inventory(stage, ended.database) == {}
    check_quota(ended.database, source)


def test_that_a_moment_that_the_archive_has_not_reached_yet_is_waited_for(
    alice: User, ordered: Ordered, database: Database, stage: Stage
) -> None:
    source = restorable(alice, stage, database)
    at = source.created_at + timedelta(milliseconds=1)
    operation = ordered("copy", engine=None, restore_from=Origin(database=source.pk, point_in_time=at))

    early = stage.work(operation)
    stage.operator.delete_copies(source)
    stage.is_due(early)
    none = stage.work(operation)

    assert (early.state, early.step) == ("waiting", "wait_for_archive")
    assert early.waiting_for.startswith("The archive reaches ")
    assert none.waiting_for == "The archive holds no full backup so far."


def test_that_a_database_that_kubedb_cannot_bring_back_is_removed_again(
    alice: User, ordered: Ordered, database: Database, stage: Stage
) -> None:
    source = restorable(alice, stage, database)
    origin = Origin(database=source.pk, point_in_time=source.created_at - timedelta(hours=1))
    operation = ordered("copy", engine=None, restore_from=origin)
    stage.work(operation)
    body = stage.body(stage.look(operation).database)
    assert body is not None
    broken = condition("DataRestored", "The log has a gap.", is_true=False)
    stage.operator.say(body, {"phase": "DataRestoring", "conditions": [broken]})

    failed = stage.work_on(operation)

    assert (failed.state, failed.error_code, failed.error_detail) == ("failed", "restore.failed", "The log has a gap.")
    assert stage.body(failed.database) is None


@pytest.mark.parametrize(
    ("wish", "hours_ago", "code"),
    [
        ({}, 3, "out_of_window"),
        ({}, -1, "out_of_window"),
        ({}, None, "out_of_window"),
        ({"version": "18.3"}, 1, "must_be_same"),
        ({"topology": {"mode": "replicated", "replicas": 3}}, 1, "must_be_same"),
    ],
)
def test_that_only_moments_of_the_window_and_the_same_server_will_do(
    alice: User,
    ordered: Ordered,
    database: Database,
    stage: Stage,
    wish: dict[str, Any],
    hours_ago: int | None,
    code: str,
) -> None:
    source = restorable(alice, stage, database)
    at = None if hours_ago is None else source.created_at - timedelta(hours=hours_ago)

    with pytest.raises(InvalidOrder) as refused:
        ordered("copy", engine=None, restore_from=Origin(database=source.pk, point_in_time=at), **wish)

    assert refused.value.errors[0].code == code


@pytest.mark.parametrize("which", ["unknown", "without policy", "without archive"])
def test_that_a_database_without_an_archive_has_no_moments(ordered: Ordered, database: Database, which: str) -> None:
    if which == "without archive":
        BackupPolicy.objects.create(database=database, schedule="0 3 * * *", applied_at=database.created_at)
    identifier: UUID = uuid7() if which == "unknown" else database.pk

    with pytest.raises(InvalidOrder) as refused:
        ordered("copy", engine=None, restore_from=Origin(database=identifier, point_in_time=database.created_at))

    assert refused.value.errors[0].code == "unknown_database"
