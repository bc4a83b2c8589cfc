"""That what an administrator sets up for backups fits the published CRDs, and what goes to clusters with KubeStash's predecessor too."""

import pytest

from provisioning.backups import all_drivers, driver_of
from provisioning.backups.preparation import Place, archiver, local_backend, s3_backend, storage_objects
from provisioning.cluster.kinds import ARCHIVER_KINDS, BACKUP_KINDS, STASH_KINDS, STASH_SNAPSHOT
from provisioning.cluster.ownership import belongs_to
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from tests.contract.schemas import ROOT, Schemas, published_schemas
from tests.provisioning.golden.cases import DATABASE_ID, OPERATION_ID, TENANT_ID

COMPACT = Schemas(ROOT / "devcluster/crds", [*BACKUP_KINDS, *ARCHIVER_KINDS])
S3 = s3_backend(endpoint="https://s3.example.com", bucket="copies", region="eu-central-1", secret_name="s3-key")
PLACES = {
    "a folder": Place(namespace="dbaas-backup", name="dbaas", backend=local_backend()),
    "a bucket": Place(namespace="dbaas-backup", name="dbaas", backend=S3),
}
POLICY = {
    "schedule": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "keep_last": 7,
    "keep_daily": 7,
    "keep_weekly": 4,
    "keep_monthly": 6,
}


@pytest.mark.parametrize("place", PLACES)
def test_that_the_storage_fits(place: str) -> None:
    published = published_schemas(BACKUP_KINDS)
    objects = storage_objects(PLACES[place])

    assert [problem for body in objects for problem in published.problems(body)] == []
    assert [problem for body in objects for problem in COMPACT.problems(body)] == []


@pytest.mark.parametrize("kind", [kind.kind for kind in ARCHIVER_KINDS])
def test_that_every_archiver_fits(kind: str) -> None:
    body = archiver(PLACES["a folder"], kind)

    assert published_schemas(ARCHIVER_KINDS).problems(body) == []
    assert COMPACT.problems(body) == []


def test_that_every_engine_s_archiver_has_an_address() -> None:
    wanted = {engine.backup.archiver_kind for engine in all_engines().values()} - {""}

    assert wanted <= {kind.kind for kind in ARCHIVER_KINDS}


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("engine", all_engines())
def test_that_what_goes_to_the_predecessor_fits(engine: str, is_paused: bool) -> None:
    published = published_schemas(kind for kind in STASH_KINDS if kind is not STASH_SNAPSHOT)
    database = database_at_stash(engine)

    sent = sent_to(database, BackupPolicy(database=database, is_paused=is_paused, **POLICY))

    assert [problem for body in sent for problem in published.problems(body)] == []
    assert {body["kind"] for body in sent} == {"Repository", "BackupConfiguration", "BackupSession", "RestoreSession"}
    assert all(belongs_to(body, DATABASE_ID) for body in sent)


def test_that_no_driver_is_forgotten_here() -> None:
    assert set(all_drivers()) == {"kubestash", "stash"}


def database_at_stash(engine: str) -> Database:
    """Return the row of a database in a cluster whose backups Stash makes; it is not saved."""
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
        engine=engine,
        version=all_engines()[engine].default_version,
        namespace="tenant-x",
        object_name=f"{all_engines()[engine].short_name}-x",
        topology={"mode": "standalone"},
    )


def sent_to(database: Database, policy: BackupPolicy) -> list[Body]:
    """Return all that a database's backups take: configuration, one copy, one restore."""
    driver, engine = driver_of(database.cluster), all_engines()[database.engine]
    operation = Operation(id=OPERATION_ID, database=database, request_id="req-1")
    backup = Backup(database=database, cluster=database.cluster, repository="r", snapshot="r-0a1b2c3d")
    configuration = driver.configuration(database, engine, operation, policy)
    return [
        *configuration,
        driver.session(database, operation, "x-1", configuration[-1]),
        driver.restoration(database, engine, operation, backup),
    ]
