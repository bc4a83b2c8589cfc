"""That KubeStash is asked for what the policy says, and that what it reports is read: outcomes, sizes, errors, windows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioning.backups import all_drivers, driver_of
from provisioning.backups.driver import NoBackupsHere, Outcome
from provisioning.backups.kubestash import DRIVER
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from tests.provisioning.golden.cases import DATABASE_ID, OPERATION_ID, TENANT_ID

PLACE = {"name": "dbaas-backup-key", "namespace": "dbaas-backup"}


def database(engine: str = "postgres", **cluster: Any) -> Database:
    """Return the row of a database; it is not saved."""
    prepared = {
        "backup_driver": "kubestash",
        "backup_namespace": "dbaas-backup",
        "backup_storage": "dbaas",
        "backup_encryption_secret": "dbaas-backup-key",
        "archiver": "dbaas",
    }
    return Database(
        id=DATABASE_ID,
        tenant_id=TENANT_ID,
        cluster=Cluster(name="here", **{**prepared, **cluster}),
        engine=engine,
        version=all_engines()[engine].default_version,
        namespace="tenant-x",
        object_name="pg-x",
        topology={"mode": "standalone"},
    )


def policy(row: Database, **columns: Any) -> BackupPolicy:
    nightly = {"schedule": "0 2 * * *", "keep_last": 7}
    return BackupPolicy(**{"database": row, **nightly, **columns})


def configuration(row: Database, wanted: BackupPolicy | None) -> list[Body]:
    operation = Operation(id=OPERATION_ID, database=row, request_id="req-1")
    return DRIVER.configuration(row, all_engines()[row.engine], operation, wanted)


def session_of(body: Body, name: str) -> Body:
    (found,) = [session for session in body["spec"]["sessions"] if session["name"] == name]
    assert isinstance(found, dict)
    return found


def test_that_without_a_policy_there_are_only_backups_on_request() -> None:
    retention, body = configuration(database(), None)

    assert [session["name"] for session in body["spec"]["sessions"]] == ["manual"]
    assert session_of(body, "manual")["scheduler"]["suspend"] is True
    assert retention["spec"]["successfulSnapshots"] == {"last": 10_000}


def test_that_a_policy_is_a_session_with_retention_of_its_own() -> None:
    row = database()
    wanted = policy(row, keep_daily=3, keep_monthly=6)

    *retentions, body = configuration(row, wanted)

    scheduled = session_of(body, "scheduled")
    assert (scheduled["scheduler"]["schedule"], scheduled["scheduler"]["suspend"]) == ("0 2 * * *", False)
    assert retentions[1]["spec"]["successfulSnapshots"] == {"last": 7, "daily": 3, "monthly": 6}
    repositories = {session["repositories"][0]["name"] for session in body["spec"]["sessions"]}
    assert repositories == {"pg-x-manual", "pg-x-scheduled"}
    assert {backend["retentionPolicy"]["name"] for backend in body["spec"]["backends"]} == repositories


def test_that_a_paused_policy_suspends_only_the_schedule() -> None:
    row = database()

    body = configuration(row, policy(row, is_paused=True))[-1]

    assert session_of(body, "scheduled")["scheduler"]["suspend"] is True
    assert body["spec"]["paused"] is False


@pytest.mark.parametrize(("secret", "encryption"), [("dbaas-backup-key", PLACE), ("", None)])
def test_that_copies_are_encrypted_where_there_is_a_key(secret: str, encryption: Any) -> None:
    body = configuration(database(backup_encryption_secret=secret), None)[-1]

    assert session_of(body, "manual")["repositories"][0].get("encryptionSecret") == encryption


@pytest.mark.parametrize(
    ("status", "outcome", "message", "done"),
    [
        ({}, Outcome.RUNNING, "KubeStash reports nothing yet.", 0.0),
        ({"phase": "Running"}, Outcome.RUNNING, "KubeStash reports Running.", 0.0),
        ({"phase": "Succeeded"}, Outcome.SUCCEEDED, "KubeStash reports Succeeded.", 0.0),
        ({"phase": "Skipped"}, Outcome.SKIPPED, "KubeStash reports Skipped.", 0.0),
        ({"phase": "Invalid"}, Outcome.FAILED, "KubeStash reports Invalid.", 0.0),
        (
            {"phase": "Running", "components": {"a": {"phase": "Succeeded"}, "b": {"phase": "Running"}}},
            Outcome.RUNNING,
            "KubeStash reports Running.",
            0.5,
        ),
        (
            {"phase": "Failed", "components": {"a": {"phase": "Failed", "error": "exit status 1"}}},
            Outcome.FAILED,
            "exit status 1",
            0.0,
        ),
    ],
)
def test_that_progress_is_read(status: Body, outcome: Outcome, message: str, done: float) -> None:
    progress = DRIVER.progress({"status": status})

    assert (progress.outcome, progress.message, progress.done) == (outcome, message, done)


def test_that_deleting_a_copy_deletes_its_content_too() -> None:
    assert DRIVER.forget_data({"spec": {"deletionPolicy": "Delete"}}) == {"spec": {"deletionPolicy": "WipeOut"}}
    assert DRIVER.forget_data({"spec": {"deletionPolicy": "WipeOut"}}) is None


def test_that_archiving_is_switched_on_and_off() -> None:
    cluster = database().cluster

    wanted, unwanted = DRIVER.archiving(cluster, wanted=True), DRIVER.archiving(cluster, wanted=False)

    assert wanted["spec"]["archiver"]["ref"] == {"namespace": "dbaas-backup", "name": "dbaas"}
    assert unwanted == {"metadata": {"labels": {"archiver": None}}, "spec": {"archiver": None}}


def test_that_recovery_names_the_source_s_own_repositories() -> None:
    at = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

    archiver = DRIVER.recovery(database(), at)["archiver"]

    assert archiver["recoveryTimestamp"] == "2026-01-31T12:00:00Z"
    assert archiver["fullDBRepository"] == {"name": "pg-x-full", "namespace": "tenant-x"}


@pytest.mark.parametrize(("namespace", "named"), [("tenant-x", None), ("tenant-y", "tenant-y")])
def test_that_a_backup_of_another_namespace_is_named_with_it(namespace: str, named: str | None) -> None:
    row = database()
    backup = Backup(cluster=row.cluster, namespace=namespace, repository="r", snapshot="s")
    operation = Operation(id=OPERATION_ID, database=row, request_id="req-1")

    source = DRIVER.restoration(row, all_engines()["postgres"], operation, backup)["spec"]["dataSource"]

    assert source.get("namespace") == named
    assert (source["repository"], source["snapshot"]) == ("r", "s")


@pytest.mark.parametrize("engine", all_engines())
def test_that_every_engine_has_an_addon_for_each_of_its_versions(engine: str) -> None:
    for version in all_engines()[engine].versions:
        row = database(engine)
        row.version = version.name

        addon = session_of(configuration(row, None)[-1], "manual")["addon"]

        assert addon["name"].endswith("-addon")
        assert addon["tasks"][0]["name"] == "logical-backup"


def test_that_a_driver_is_found_by_its_name() -> None:
    assert driver_of(Cluster(backup_driver="kubestash")) is DRIVER
    assert {name: driver.name for name, driver in all_drivers().items()} == {name: name for name in all_drivers()}


@pytest.mark.parametrize("name", ["", "tapes"])
def test_that_a_cluster_without_a_driver_takes_no_backups(name: str) -> None:
    with pytest.raises(NoBackupsHere):
        driver_of(Cluster(backup_driver=name))
