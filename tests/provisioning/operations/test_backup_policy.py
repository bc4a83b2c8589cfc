"""That a policy reaches the cluster in UTC, is written down once it holds, and that a cancel brings the one before back."""

from typing import Any

import pytest

from accounts.models import User
from dbaas.core.crash import armed
from provisioning.backups import driver_of
from provisioning.engine import Body
from provisioning.models import BackupPolicy, Cluster, Database
from provisioning.orders import InvalidOrder
from tests.provisioning.operations.scenes import POLICY, Cancel, Scene, ask
from tests.provisioning.stage import Stage


def put(alice: User, stage: Stage, database: Database, **policy: Any) -> None:
    ended = stage.play(ask(alice, database, "backup_policy", {**POLICY, **policy}))
    assert ended.state == "succeeded", ended.error_detail


def schedules(stage: Stage, database: Database) -> dict[str, tuple[str, bool]]:
    """Return schedule and suspension of each session, by name."""
    body = stage.kube.get(driver_of(database.cluster).configuration_ref(database))
    assert body is not None
    sessions = body["spec"]["sessions"]
    return {one["name"]: (one["scheduler"]["schedule"], one["scheduler"]["suspend"]) for one in sessions}


def archiver_of(stage: Stage, database: Database) -> Body | None:
    body = stage.body(database)
    assert body is not None
    found: Body | None = body["spec"].get("archiver")
    return found


def test_that_the_schedule_is_kept_in_utc_and_the_manual_one_never_runs(
    alice: User, database: Database, stage: Stage
) -> None:
    put(alice, stage, database, schedule="30 3 * * *", time_zone="Asia/Kolkata")

    policy = BackupPolicy.objects.get()
    assert schedules(stage, database) == {"manual": ("0 0 1 1 *", True), "scheduled": ("0 22 * * *", False)}
    assert (policy.schedule, policy.time_zone, policy.keep_last) == ("30 3 * * *", "Asia/Kolkata", 7)


def test_that_a_policy_may_rest_and_change(alice: User, database: Database, stage: Stage) -> None:
    put(alice, stage, database)
    put(alice, stage, database, schedule="0 5 * * *", is_paused=True)

    assert schedules(stage, database)["scheduled"] == ("0 5 * * *", True)
    assert BackupPolicy.objects.get().is_paused


def test_that_archiving_begins_and_ends_with_the_policy(alice: User, database: Database, stage: Stage) -> None:
    put(alice, stage, database, point_in_time=True)
    meanwhile = archiver_of(stage, database)
    put(alice, stage, database, point_in_time=False)

    assert meanwhile == {"pause": False, "ref": {"namespace": "backups", "name": "archiver"}}
    assert archiver_of(stage, database) is None


@pytest.mark.parametrize("had_one", [True, False])
def test_that_a_cancel_brings_the_policy_before_back(
    alice: User, database: Database, stage: Stage, had_one: bool
) -> None:
    if had_one:
        put(alice, stage, database, schedule="0 5 * * *", point_in_time=True)
    operation = ask(alice, database, "backup_policy", {**POLICY, "schedule": "0 9 * * *"})

    with armed(Cancel(operation, Scene(kind="backup_policy", cancelled_in="apply_schedule"))):
        ended = stage.play(operation)

    scheduled = {"scheduled": ("0 5 * * *", False)} if had_one else {}
    assert (ended.state, ended.database.state) == ("cancelled", "ready")
    assert schedules(stage, database) == {"manual": ("0 0 1 1 *", True), **scheduled}
    assert bool(archiver_of(stage, database)) is had_one
    assert list(BackupPolicy.objects.values_list("schedule", flat=True)) == (["0 5 * * *"] if had_one else [])


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"schedule": "0 3 * *"}, "schedule"),
        ({"schedule": "61 3 * * *"}, "schedule"),
        ({"schedule": "* * * * *"}, "schedule"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"keep_last": 0}, "keep_last"),
        ({"keep_daily": 1001}, "keep_daily"),
    ],
)
def test_that_what_cannot_be_kept_is_refused(
    alice: User, database: Database, policy: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "backup_policy", {**POLICY, **policy})

    assert [error.field for error in refused.value.errors] == [field]
    assert Database.objects.get().active_operation_id is None


def test_that_a_region_without_archivers_offers_no_moments(alice: User, database: Database, stage: Stage) -> None:
    Cluster.objects.update(archiver="")
    put(alice, stage, database)

    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "backup_policy", {**POLICY, "point_in_time": True})

    assert [(error.field, error.code) for error in refused.value.errors] == [("point_in_time", "not_available")]
