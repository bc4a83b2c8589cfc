"""Point-in-time recovery of a real PostgreSQL database, and of a simulated one as far as it goes."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.devcluster.operator.backup.stage import STORAGE_API, Body
from tests.devcluster.operator.conftest import STORAGE, Namespace, wait_until

pytestmark = pytest.mark.processes
ARCHIVERS = "/apis/archiver.kubedb.com/v1alpha1/namespaces/dbaas-backup"
REFERENCE = {"name": "dbaas", "namespace": "dbaas-backup"}
PLURALS = {"Postgres": "postgreses", "MySQL": "mysqls"}


def archived(tenant: Namespace, kind: str, name: str, version: str) -> str:
    """Create a database that joins an archiver, and wait until it is ready."""
    path = tenant.create(PLURALS[kind], kind, name, version=version, storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    join(tenant, kind, path)
    return path


def join(tenant: Namespace, kind: str, path: str) -> None:
    """Let a database join the archiver of its kind, which there is from then on."""
    key = {"name": "dbaas-backup-key", "namespace": "dbaas-backup"}
    spec = {
        "databases": {"namespaces": {"from": "All"}, "selector": {"matchLabels": {"archiver": "true"}}},
        "backupStorage": {"ref": REFERENCE},
        "encryptionSecret": key,
        "fullBackup": {
            "driver": "VolumeSnapshotter",
            "scheduler": {"schedule": "0 1 * * *"},
            "retryConfig": {"maxRetry": 3, "delay": "1s"},
        },
        "manifestBackup": {"scheduler": {"schedule": "0 1 * * *"}},
        "deletionPolicy": "WipeOut",
    }
    body = {"metadata": {"name": "dbaas", "namespace": "dbaas-backup"}, "spec": spec}
    tenant.client.post(f"{ARCHIVERS}/{kind.lower()}archivers", json=body)
    tenant.patch(path, {"metadata": {"labels": {"archiver": "true"}}, "spec": {"archiver": {"ref": REFERENCE}}})


def window(tenant: Namespace, name: str) -> tuple[datetime, datetime] | None:
    """Read which moments can be restored."""
    listed = tenant.get(f"{STORAGE_API}/{tenant.name}/snapshots?labelSelector=kubestash.com/repo-name%3D{name}-full")
    stats = [
        one["status"]["components"]["wal"]["logStats"]
        for one in listed["items"]
        if "wal" in one.get("status", {}).get("components", {})
    ]
    if not stats:
        return None
    return datetime.fromisoformat(stats[0]["start"]), datetime.fromisoformat(stats[-1]["end"])


def reaches(tenant: Namespace, name: str, moment: datetime) -> bool:
    known = window(tenant, name)
    return known is not None and known[0] <= moment <= known[1]


def recovered(tenant: Namespace, kind: str, source: str, moment: datetime, version: str, name: str) -> str:
    """Create a database from an archive."""
    archive: Body = {"recoveryTimestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    archive["fullDBRepository"] = {"name": f"{source}-full", "namespace": tenant.name}
    archive["manifestRepository"] = {"name": f"{source}-manifest", "namespace": tenant.name}
    more: dict[str, Any] = {"init": {"archiver": archive}, "storage": STORAGE}
    return tenant.create(PLURALS[kind], kind, name, version=version, **more)


def test_that_a_database_is_brought_back_to_a_moment_between_two_rows(tenant: Namespace) -> None:
    archived(tenant, "Postgres", "orders", "17.5")
    wait_until(lambda: window(tenant, "orders") is not None, "the window opens", 30)
    with tenant.connect("orders") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 1 AS number")
        (moment,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
        connection.execute("SELECT pg_sleep(0.01)")
        connection.execute("INSERT INTO parcels VALUES (2)")
        (later,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(moment, datetime)
    assert isinstance(later, datetime)
    wait_until(lambda: reaches(tenant, "orders", later), "the window reaches the second row", 30)

    first = recovered(tenant, "Postgres", "orders", moment, "17.5", "before")
    second = recovered(tenant, "Postgres", "orders", later, "17.5", "after")

    for path, name, expected in ((first, "before", [(1,)]), (second, "after", [(1,), (2,)])):
        tenant.wait_for_phase(path, "Ready", 30)
        with tenant.connect(name) as connection:
            assert connection.execute("SELECT number FROM parcels ORDER BY 1").fetchall() == expected
            assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    assert tenant.password("before") != tenant.password("orders")
    assert tenant.get(first)["spec"]["init"]["initialized"] is True


def test_that_a_moment_outside_of_the_window_is_refused_with_the_window(tenant: Namespace) -> None:
    archived(tenant, "MySQL", "shop", "8.4.8")
    wait_until(lambda: window(tenant, "shop") is not None, "the window opens", 30)

    path = recovered(tenant, "MySQL", "shop", datetime(2020, 1, 1, tzinfo=UTC), "8.4.8", "old")

    tenant.wait_for_phase(path, "NotReady")
    conditions = {one["type"]: one for one in tenant.get(path)["status"]["conditions"]}
    assert conditions["DataRestored"]["status"] == "False"
    assert "outside of the window" in conditions["DataRestored"]["message"]
    tenant.wait_for_event("old", "FailedToRestoreData")
    known = window(tenant, "shop")
    assert known is not None
    tenant.wait_for_phase(recovered(tenant, "MySQL", "shop", known[0], "8.4.8", "good"), "Ready")
    assert {"shop-sidekick"} <= {one["metadata"]["name"] for one in tenant.get(pods(tenant))["items"]}


def test_that_a_first_full_backup_that_fails_is_tried_again_long_before_the_next_slot(tenant: Namespace) -> None:
    path = tenant.create("postgreses", "Postgres", "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    secret = f"/api/v1/namespaces/{tenant.name}/secrets/orders-auth"
    right = tenant.get(secret)["data"]["password"]
    tenant.patch(secret, {"data": {"password": b64encode(b"wrong").decode()}})
    join(tenant, "Postgres", path)
    wait_until(lambda: "Failed" in phases_of_full_copies(tenant), "the first full backup fails")

    tenant.patch(secret, {"data": {"password": right}})

    wait_until(lambda: window(tenant, "orders") is not None, "the window opens", 30)


def phases_of_full_copies(tenant: Namespace) -> list[str]:
    listed = tenant.get(f"{STORAGE_API}/{tenant.name}/snapshots?labelSelector=kubestash.com/repo-name%3Dorders-full")
    return [one.get("status", {}).get("phase", "") for one in listed["items"]]


def pods(tenant: Namespace) -> str:
    return f"/api/v1/namespaces/{tenant.name}/pods"
