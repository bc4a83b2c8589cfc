"""That KubeDB and KubeStash take what every operation sends: each request of each engine in each layout, as it goes over the wire.

The steps are the product's own and the API server is real: it refuses unknown fields and what the webhooks refuse. What it took is then
held against the published CRDs, of which the pocket cluster's are extracts.
"""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning import making
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import AlreadyExists
from provisioning.cluster.kinds import BACKUP_KINDS, DATABASE_KINDS, OPS_KINDS, TENANCY_KINDS, Kind
from provisioning.cluster.ownership import belongs_to
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Cluster, Database
from provisioning.orders import Origin, Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tenants.models import Quota, Tenant
from tests import cast
from tests.contract.recording import Recorder, Worker
from tests.contract.schemas import Schemas, published_schemas
from tests.devcluster.conftest import ApiServer, cluster
from tests.provisioning.golden.cases import CASES, Case
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for

__all__ = ["cluster"]

POLICY: dict[str, Any] = {
    "schedule": "30 2 * * *",
    "time_zone": "Europe/Berlin",
    "keep_last": 7,
    "keep_daily": 7,
    "keep_weekly": 4,
    "keep_monthly": 6,
    "point_in_time": False,
    "is_paused": False,
}


@pytest.fixture
def worker(cluster: ApiServer, alice: User) -> Worker:
    """Whoever takes the steps, at the session's pocket cluster."""
    reach = Reach(kubeconfig_path=str(cluster.kubeconfig))
    make_storage_class(Gateway(reach))
    return Worker(by=alice, gateway=Recorder(reach))


def make_storage_class(gateway: Gateway) -> None:
    """Make the class that some cases name; its kind is none that the product addresses."""
    kind = Kind(api_version="storage.k8s.io/v1", kind="StorageClass", plural="storageclasses", is_namespaced=False)
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "fast"}}
    send = {**body, "provisioner": "example.com/fast", "allowVolumeExpansion": True}
    try:
        gateway._json("POST", kind.path(), query={}, body=send, action="making the storage class")
    except AlreadyExists:
        return


@pytest.fixture
def shelf(worker: Worker, shop: Tenant, cluster: ApiServer) -> Tenant:
    """Alice's tenant, with room for the largest case."""
    del worker
    Cluster.objects.create(name="pocket", region="local", kubeconfig_path=str(cluster.kubeconfig))
    let_back_up(Cluster.objects.get())
    limits = ("max_databases", "max_cpu_millicores", "max_memory_mib", "max_storage_gib")
    Quota.objects.filter(tenant=shop).update(**dict.fromkeys(limits, 10**7))
    return shop


def make(worker: Worker, shelf: Tenant, case: Case) -> Database:
    """Order the case's database and make it in the cluster."""
    Cluster.objects.update(
        external_service_type=case.service or "LoadBalancer", storage_class=case.storage_class, node_address="127.0.0.1"
    )
    operation = order_database(cast.acting(worker.by), shelf.id, case.wish, Idempotency()).operation
    worker.take(operation, "apply_namespace", "create_companions", "create_database")
    return at_rest(operation)


def larger(database: Database) -> dict[str, Any]:
    """Return the members that the database may have next: one more of whatever it counts."""
    mode = all_engines()[database.engine].mode(database.topology["mode"])
    assert mode is not None
    counts = {name: value for name, value in database.topology.items() if isinstance(value, int)}
    if "nodes" in database.topology:
        return {"nodes": {"data": database.topology["nodes"]["data"] + 1}}
    name = "replicas" if "replicas" in counts else min(counts, default="")
    return {name: counts[name] + 1} if name else {}


@pytest.fixture(scope="session")
def published() -> Schemas:
    """The CRDs of everything that operations write, as their makers publish them."""
    return published_schemas([*DATABASE_KINDS, *OPS_KINDS, *BACKUP_KINDS])


def change_everything(worker: Worker, database: Database) -> None:
    """Ask KubeDB for every change that this database can take."""
    engine = all_engines()[database.engine]
    worker.ask(database, "restart", {}, "ask_to_restart")
    worker.ask(database, "rotate_credentials", {}, "ask_to_rotate")
    parameter = engine.changes.parameters[0]
    value = parameter.minimum if parameter.minimum is not None else parameter.allowed[0]
    worker.ask(database, "reconfigure", {"parameters": {parameter.name: value}}, "ask_to_reconfigure")
    worker.ask(database, "scale", {"plan": "large"}, "ask_for_compute")
    worker.ask(database, "scale", {"storage_gib": database.storage_gib + 10}, "ask_for_storage")
    if members := larger(database):
        worker.ask(database, "scale", {"topology": members}, "ask_for_members")
    if target := next_version(database):
        step = "ask_for_companions" if making.has_companions(database, engine) else "ask_to_upgrade"
        worker.ask(database, "upgrade", {"version": target, "force": True}, step)


def next_version(database: Database) -> str:
    """Return a version to which the database can go; empty where there is none."""
    engine = all_engines()[database.engine]
    if engine.changes.refuse_upgrade(database.topology):
        return ""
    return next((version.name for version in engine.upgrades(database.version)), "")


def expected_types(database: Database) -> set[str]:
    always = {"Restart", "RotateAuth", "Reconfigure", "VerticalScaling", "VolumeExpansion"}
    members = {"HorizontalScaling"} if larger(database) else set()
    return always | members | ({"UpdateVersion"} if next_version(database) else set())


def sent_for(database: Database, worker: Worker) -> list[Body]:
    """Return what was sent, without the tenant's namespace and what stands in it; all of it must carry our labels."""
    elsewhere = {"Namespace", *(kind.kind for kind in TENANCY_KINDS)}  # test_tenancy_fits
    sent = [body for body in worker.gateway.sent if body["kind"] not in elsewhere]
    assert all(belongs_to(body, database.id) for body in sent)
    return sent


def as_written(stored: Body) -> Body:
    """Return an object as it might have been written: without what the API server adds."""
    names = ("name", "namespace", "labels", "annotations", "ownerReferences")
    metadata = {name: stored["metadata"][name] for name in names if name in stored["metadata"]}
    return {name: stored[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": metadata}


def holds(stored: Any, change: Any) -> bool:
    """Tell whether the change is in what was stored; null takes a field away, and a version is only a condition."""
    if isinstance(change, dict):
        return all(
            name not in (stored or {}) if part is None else holds((stored or {}).get(name), part)
            for name, part in change.items()
            if name != "resourceVersion"
        )
    return bool(stored == change)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_changes_fit(case: Case, worker: Worker, shelf: Tenant, published: Schemas) -> None:
    database = make(worker, shelf, case)

    change_everything(worker, database)

    sent = sent_for(database, worker)
    assert [problem for body in sent for problem in published.problems(body)] == []
    types = {str(body["spec"]["type"]) for body in sent if body["kind"].endswith("OpsRequest")}
    assert types == expected_types(database)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_backups_and_restores_fit(case: Case, worker: Worker, shelf: Tenant, published: Schemas) -> None:
    database = make(worker, shelf, case)
    archives = bool(all_engines()[case.engine].backup.archiver_kind)

    worker.ask(database, "backup_policy", {**POLICY, "point_in_time": archives}, "apply_schedule", "apply_archiving")
    worker.let_be_configured(database)
    worker.ask(database, "backup", {}, "take_backup")
    backup_of(database, repository=f"{database.object_name}-manual", snapshot="snapshot-1")
    worker.ask(database, "restore", {"safety_backup": True}, "take_safety_backup", "restore_backup")

    sent = sent_for(database, worker)
    assert [problem for body in sent for problem in published.problems(body)] == []
    assert {body["kind"] for body in sent} >= {
        "BackupConfiguration",
        "RetentionPolicy",
        "BackupSession",
        "RestoreSession",
    }
    for change, after in worker.gateway.changes:
        assert holds(after, change)
        assert published.problems(as_written(after)) == []
    assert len(worker.gateway.changes) == archives


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_halting_and_waking_fit(case: Case, worker: Worker, shelf: Tenant, published: Schemas) -> None:
    database = make(worker, shelf, case)
    objects = len(case.manifests)

    worker.ask(database, "pause", {}, "stop_servers", "stop_companions")
    Database.objects.update(state="paused")
    database.refresh_from_db()
    worker.ask(database, "resume", {}, "start_companions", "start_servers")

    assert len(worker.gateway.changes) == 2 * objects
    for change, after in worker.gateway.changes:
        assert holds(after, change)
        assert published.problems(as_written(after)) == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_that_a_new_database_from_a_backup_fits(case: Case, worker: Worker, shelf: Tenant, published: Schemas) -> None:
    backup = backup_of(make(worker, shelf, case), snapshot="snapshot-1")
    wish = Wish(name="copy", restore_from=Origin(backup=backup.pk))

    copy = order_database(cast.acting(worker.by), shelf.id, wish, Idempotency()).operation
    worker.gateway.sent.clear()
    worker.take(copy, "apply_namespace", "create_companions", "create_database", "restore_backup")

    sent = sent_for(copy.database, worker)
    assert [problem for body in sent for problem in published.problems(body)] == []
    database, session = sent[-2:]
    assert database["spec"]["init"] == {"waitForInitialRestore": True}
    assert session["kind"] == "RestoreSession"


ARCHIVED = [case for case in CASES if all_engines()[case.engine].backup.archiver_kind]


@pytest.mark.parametrize("case", ARCHIVED, ids=str)
def test_that_a_new_database_from_a_moment_fits(case: Case, worker: Worker, shelf: Tenant, published: Schemas) -> None:
    source, at = make(worker, shelf, case), SYSTEM_CLOCK.now()
    policy_for(source, point_in_time=True)
    Database.objects.update(restorable_from=at - timedelta(hours=1))
    wish = Wish(name="copy", restore_from=Origin(database=source.pk, point_in_time=at))

    copy = order_database(cast.acting(worker.by), shelf.id, wish, Idempotency()).operation
    worker.gateway.sent.clear()
    worker.take(copy, "apply_namespace", "create_companions", "create_database", "restore_backup")

    sent = sent_for(copy.database, worker)
    assert [problem for body in sent for problem in published.problems(body)] == []
    assert set(sent[-1]["spec"]["init"]) == {"archiver"}
