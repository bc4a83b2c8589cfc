"""That a database goes only along the ways of KubeDB's catalogue, with a backup to go back to, and its sentinels first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from provisioning.engines import all_engines
from provisioning.models import Backup, Database, Operation
from provisioning.operations.upgrade import NoRecentBackup
from provisioning.orders import InvalidOrder
from tests.provisioning.operations.scenes import SENTINELS, ask, begin, check_quota, inventory, scene_of
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]
NEWER = "17.9"


@pytest.mark.parametrize("version", ["17.4", "17.5", "99.1", ""])
def test_that_only_the_ways_of_the_catalogue_are_open(alice: User, database: Database, version: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "upgrade", {"version": version, "force": True})

    (error,) = refused.value.errors
    assert (error.field, error.code) == ("version", "unsupported_upgrade")
    assert NEWER in error.message
    assert Database.objects.get().active_operation_id is None


def test_that_a_newest_version_says_that_there_is_no_way(alice: User, database: Database) -> None:
    newest = next(
        one.name for one in all_engines()["postgres"].versions if not all_engines()["postgres"].upgrades(one.name)
    )
    Database.objects.update(version=newest)

    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "upgrade", {"version": NEWER, "force": True})

    assert "restore a backup into a new database" in refused.value.errors[0].message


def test_that_a_layout_that_kubedb_does_not_upgrade_is_refused(alice: User, ordered: Ordered, stage: Stage) -> None:
    topology = {"mode": "replicated", "replicas": 3, "replication": "semisync"}
    database = stage.provision(ordered(engine="mysql", topology=topology)).database

    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "upgrade", {"version": "9.4.0", "force": True})

    assert "semi-synchronous" in refused.value.errors[0].message


def test_that_without_a_recent_backup_it_must_be_forced(alice: User, database: Database, stage: Stage) -> None:
    with pytest.raises(NoRecentBackup):
        ask(alice, database, "upgrade", {"version": NEWER})

    ended = stage.play(ask(alice, database, "upgrade", {"version": NEWER, "force": True}))

    assert (ended.state, ended.database.version) == ("succeeded", NEWER)


@pytest.mark.parametrize(
    ("columns", "is_enough"),
    [
        ({}, True),
        ({"state": "failed"}, False),
        ({"state": "deleted"}, False),
        ({"taken_at": timedelta(hours=25)}, False),
    ],
)
def test_that_only_a_good_backup_of_the_last_day_counts(
    alice: User, database: Database, stage: Stage, columns: dict[str, Any], is_enough: bool
) -> None:
    stage.play(ask(alice, database, "backup"))
    taken = Backup.objects.get()
    age = columns.get("taken_at", timedelta())
    Backup.objects.update(**{"state": "succeeded", **columns, "taken_at": taken.created_at - age})

    if is_enough:
        assert stage.play(ask(alice, database, "upgrade", {"version": NEWER})).state == "succeeded"
    else:
        with pytest.raises(NoRecentBackup):
            ask(alice, database, "upgrade", {"version": NEWER})


def test_that_the_sentinels_go_first(alice: User, ordered: Ordered, stage: Stage) -> None:
    operation = begin(scene_of("upgrade"), alice, ordered, stage)
    stage.work(operation)
    first = inventory(stage, operation.database)

    ended = stage.play(operation)

    assert first == {"RedisSentinelOpsRequest": 1}
    assert (ended.state, ended.database.version) == ("succeeded", "7.4.1")
    check_quota(ended.database)


def test_that_sentinels_that_cannot_be_upgraded_leave_the_database_where_it_is(
    alice: User, ordered: Ordered, stage: Stage
) -> None:
    stage.operator.fates = {"UpdateVersion": "Failed"}

    failed = stage.play(begin(scene_of("upgrade"), alice, ordered, stage))

    assert (failed.state, failed.database.state, failed.database.version) == ("failed", "ready", SENTINELS["version"])
    assert inventory(stage, failed.database) == {"RedisSentinelOpsRequest": 1}
