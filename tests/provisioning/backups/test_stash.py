"""That KubeStash's predecessor is asked for the same things in its own words, and refused what it cannot do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from provisioning.backups.driver import Outcome
from provisioning.backups.stash import DRIVER, NoRecovery
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from tests.provisioning.golden.cases import DATABASE_ID, OPERATION_ID, TENANT_ID


def database() -> Database:
    """Return the row of a database; it is not saved."""
    bucket = {"s3": {"endpoint": "https://s3.example.com", "bucket": "copies"}}
    cluster = Cluster(
        name="old",
        backup_driver="stash",
        backup_namespace="backups",
        backup_encryption_secret="s3-key",
        backup_backend=bucket,
    )
    return Database(
        id=DATABASE_ID,
        tenant_id=TENANT_ID,
        cluster=cluster,
        engine="postgres",
        version="17.5",
        namespace="tenant-x",
        object_name="pg-x",
        topology={"mode": "standalone"},
    )


def configuration(row: Database, **policy: Any) -> dict[str, Body]:
    """Return the BackupConfigurations by name."""
    operation = Operation(id=OPERATION_ID, database=row, request_id="req-1")
    wanted = BackupPolicy(**{"database": row, "schedule": "0 2 * * *", **policy}) if policy else None
    bodies = DRIVER.configuration(row, all_engines()["postgres"], operation, wanted)
    return {body["metadata"]["name"]: body["spec"] for body in bodies if body["kind"] == "BackupConfiguration"}


def test_that_without_a_policy_there_are_only_backups_on_request() -> None:
    assert set(configuration(database())) == {"pg-x-manual"}


def test_that_a_policy_is_a_configuration_with_retention_of_its_own() -> None:
    made = configuration(database(), keep_last=3, keep_weekly=4)

    assert set(made) == {"pg-x-manual", "pg-x-scheduled"}
    assert made["pg-x-scheduled"]["schedule"] == "0 2 * * *"
    kept = made["pg-x-scheduled"]["retentionPolicy"]
    assert (kept["keepLast"], kept["keepWeekly"], "keepDaily" in kept) == (3, 4, False)


def test_that_a_paused_policy_is_never_due() -> None:
    made = configuration(database(), is_paused=True)

    assert made["pg-x-scheduled"]["schedule"] == made["pg-x-manual"]["schedule"]
    assert made["pg-x-scheduled"]["paused"] is False


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [
        ("", Outcome.RUNNING),
        ("Running", Outcome.RUNNING),
        ("Succeeded", Outcome.SUCCEEDED),
        ("Failed", Outcome.FAILED),
        ("Skipped", Outcome.SKIPPED),
    ],
)
def test_that_progress_is_read(phase: str, outcome: Outcome) -> None:
    progress = DRIVER.progress({"status": {"phase": phase}})

    assert (progress.outcome, progress.message) == (outcome, f"Stash reports {phase or 'nothing yet'}.")


def test_that_a_restore_names_the_snapshot_by_its_id() -> None:
    row = database()
    backup = Backup(cluster=row.cluster, repository="pg-x-manual", snapshot="pg-x-manual-0a1b2c3d")
    operation = Operation(id=OPERATION_ID, database=row, request_id="req-1")

    spec = DRIVER.restoration(row, all_engines()["postgres"], operation, backup)["spec"]

    assert spec["target"]["rules"] == [{"snapshots": ["0a1b2c3d"]}]
    assert spec["repository"] == {"name": "pg-x-manual", "namespace": "backups"}


def test_that_no_moment_is_offered() -> None:
    with pytest.raises(NoRecovery):
        DRIVER.recovery(database(), datetime(2026, 1, 31, tzinfo=UTC))
