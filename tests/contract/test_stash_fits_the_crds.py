"""Tests that legacy Stash takes what we write, and that we read what it writes."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from provisioning.backups.driver import Outcome, run_name
from provisioning.backups.stash import DRIVER
from provisioning.cluster.kinds import STASH_KINDS
from provisioning.engines import all_engines
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from tests.contract.schemas import Schemas, published_schemas

ENGINES = all_engines()


@pytest.fixture(scope="session")
def published() -> Schemas:
    """The CRDs as Stash publishes them."""
    return published_schemas(STASH_KINDS)


@pytest.fixture
def cluster() -> Cluster:
    """A cluster that still has Stash."""
    return Cluster(
        name="old",
        backup_driver="stash",
        backup_namespace="dbaas-backup",
        backup_backend={"s3": {"endpoint": "https://s3.example.com", "bucket": "backups"}},
        backup_encryption_secret="storage-secret",
    )


@pytest.fixture
def database(cluster: Cluster) -> Database:
    """A row, not saved."""
    return Database(
        tenant_id=UUID(int=1), cluster=cluster, namespace="dbaas-shop", object_name="pg-abc", version="17.5"
    )


@pytest.fixture
def operation(database: Database) -> Operation:
    """A row, not saved."""
    return Operation(database=database, request_id="r")


@pytest.fixture
def policy() -> BackupPolicy:
    """A policy, not saved."""
    return BackupPolicy(schedule="0 2 * * *", time_zone="UTC", keep_last=3, keep_weekly=4)


@pytest.mark.parametrize("engine", ENGINES)
def test_that_stash_takes_every_object(
    engine: str, database: Database, operation: Operation, policy: BackupPolicy, published: Schemas
) -> None:
    configured = DRIVER.configuration(database, ENGINES[engine], operation, policy)
    session = DRIVER.session(database, operation, run_name(database, operation, 1), configured[-1])
    backup = Backup(cluster=database.cluster, repository="pg-abc-manual", snapshot="pg-abc-manual-0123abcd")
    restoration = DRIVER.restoration(database, ENGINES[engine], operation, backup)

    problems = [problem for body in (*configured, session, restoration) for problem in published.problems(body)]

    assert problems == []
    assert restoration["spec"]["target"]["rules"] == [{"snapshots": ["0123abcd"]}]


def test_that_only_the_schedule_s_copies_are_thinned_out(
    database: Database, operation: Operation, policy: BackupPolicy
) -> None:
    bodies = DRIVER.configuration(database, ENGINES["postgres"], operation, policy)

    kept = {body["metadata"]["name"]: body["spec"]["retentionPolicy"] for body in bodies if "schedule" in body["spec"]}

    assert kept == {
        "pg-abc-scheduled": {"name": "scheduled", "prune": True, "keepLast": 3, "keepWeekly": 4},
        "pg-abc-manual": {"name": "manual", "prune": True, "keepLast": 10_000},
    }


def test_that_a_paused_policy_keeps_its_copies_and_takes_none(
    database: Database, operation: Operation, policy: BackupPolicy
) -> None:
    policy.is_paused = True

    bodies = DRIVER.configuration(database, ENGINES["postgres"], operation, policy)

    schedules = {body["spec"]["schedule"] for body in bodies if "schedule" in body["spec"]}
    assert schedules == {"0 0 31 2 *"}


@pytest.mark.parametrize(
    ("phase", "outcome"),
    [
        ("", Outcome.RUNNING),
        ("Pending", Outcome.RUNNING),
        ("Running", Outcome.RUNNING),
        ("Succeeded", Outcome.SUCCEEDED),
        ("Failed", Outcome.FAILED),
        ("Skipped", Outcome.SKIPPED),
        ("Invalid", Outcome.FAILED),
        ("Unknown", Outcome.RUNNING),
    ],
)
def test_that_every_phase_is_understood(phase: str, outcome: Outcome) -> None:
    assert DRIVER.progress({"status": {"phase": phase}}).outcome is outcome


class Listing:
    """A gateway that lists what it was given; Stash's snapshots come from an aggregated API that the pocket cluster has not."""

    def __init__(self, **bodies: list[dict[str, object]]) -> None:
        self._bodies = bodies

    def list(self, kind: object, **_selectors: str) -> tuple[list[dict[str, object]], str]:
        """Return the objects of that kind."""
        return self._bodies[str(kind.kind)], ""  # type: ignore[attr-defined] # a Kind


def test_that_a_copy_belongs_to_the_run_before_it(database: Database) -> None:
    def snapshot(name: str, repository: str, at: str) -> dict[str, object]:
        return {"metadata": {"name": name, "creationTimestamp": at}, "status": {"repository": repository}}

    def session(name: str, at: str) -> dict[str, object]:
        return {
            "metadata": {"name": name, "namespace": "dbaas-shop", "creationTimestamp": at},
            "spec": {"invoker": {"name": "pg-abc-manual"}},
        }

    gateway = Listing(
        Snapshot=[
            snapshot("pg-abc-manual-11111111", "pg-abc-manual", "2026-01-31T10:00:30Z"),
            snapshot("pg-abc-scheduled-22222222", "pg-abc-scheduled", "2026-01-31T02:00:10Z"),
            snapshot("somebody-33333333", "somebody", "2026-01-31T02:00:10Z"),
        ],
        BackupSession=[session("first", "2026-01-31T10:00:00Z"), session("later", "2026-01-31T11:00:00Z")],
    )

    seen = DRIVER.seen(gateway, database)  # type: ignore[arg-type] # lists as a gateway does

    assert [(one.snapshot, one.run, one.is_scheduled) for one in seen] == [
        ("pg-abc-manual-11111111", "first", False),
        ("pg-abc-scheduled-22222222", "", True),
    ]
    assert seen[0].at == datetime(2026, 1, 31, 10, 0, 30, tzinfo=UTC)
