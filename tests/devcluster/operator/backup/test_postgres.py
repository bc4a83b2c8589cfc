"""Backups and restores of a real PostgreSQL database."""

from typing import Any

import psycopg
import pytest

from tests.devcluster.operator.backup.stage import Backups
from tests.devcluster.operator.conftest import STORAGE, Namespace, wait_until

pytestmark = pytest.mark.processes
PLURAL, KIND = "postgreses", "Postgres"


def rows(connection: "psycopg.Connection[tuple[Any, ...]]", query: str = "SELECT number FROM parcels") -> list[Any]:
    return [row[0] for row in connection.execute(query)]


def test_that_a_backup_brings_rows_back_in_place_and_into_a_new_database(tenant: Namespace) -> None:
    path = tenant.create(PLURAL, KIND, "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    with tenant.connect("orders") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
        connection.execute("CREATE DATABASE shop")
        connection.execute("CREATE ROLE clerk LOGIN PASSWORD 'secret'")
    backups = Backups(tenant, KIND, "orders")
    backups.configure()

    session = backups.run("first")

    assert session["status"]["phase"] == "Succeeded", session["status"]
    snapshot = backups.snapshot(session)
    assert snapshot["status"]["phase"] == "Succeeded"
    assert snapshot["metadata"]["annotations"]["devcluster.local/sha256"]

    with tenant.connect("orders") as visitor:
        visitor.execute("DROP TABLE parcels")
        visitor.execute("CREATE TABLE later AS SELECT 1 AS number")
        restored = backups.ended(backups.restore("back"))
    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    tenant.wait_for_phase(path, "Ready")
    with tenant.connect("orders") as connection:
        assert rows(connection) == [7]
        assert rows(connection, "SELECT to_regclass('later')") == [None]
        assert rows(connection, "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1") == [
            "postgres",
            "shop",
            "template1",
        ]
    check_new_database(tenant, backups, snapshot["metadata"]["name"])


def check_new_database(tenant: Namespace, backups: Backups, snapshot: str) -> None:
    copy = tenant.create(PLURAL, KIND, "copy", version="17.5", storage=STORAGE, init={"waitForInitialRestore": True})
    wait_until(lambda: has_condition(tenant, copy, "AcceptingConnection"), "the copy accepts connections")
    assert tenant.get(copy)["status"]["phase"] == "Provisioning"
    restored = backups.ended(backups.restore("new", snapshot, into="copy"))

    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    tenant.wait_for_phase(copy, "Ready")
    assert tenant.get(copy)["spec"]["init"]["initialized"] is True
    with tenant.connect("copy") as connection:
        assert rows(connection) == [7]


def has_condition(namespace: Namespace, path: str, kind: str) -> bool:
    conditions = namespace.get(path).get("status", {}).get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def test_that_a_changed_file_is_refused_and_harms_nothing(tenant: Namespace) -> None:
    path = tenant.create(PLURAL, KIND, "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    backups = Backups(tenant, KIND, "orders")
    backups.configure()
    session = backups.run("first")
    with tenant.connect("orders") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
    (file,) = (tenant.data_dir / "backups").glob(f"dbaas-backup/dbaas/{tenant.name}/orders/manual/*/dump.gz")
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    restored = backups.ended(backups.restore("back"))

    assert restored["status"]["phase"] == "Failed"
    assert "has changed" in restored["status"]["components"]["dump"]["error"]
    assert backups.snapshot(session)["status"]["integrity"] is False
    assert tenant.get(path)["status"]["phase"] == "Ready"
    with tenant.connect("orders") as connection:
        assert rows(connection) == [7]


def test_that_a_dump_with_passwords_leaves_the_new_database_its_own(tenant: Namespace) -> None:
    path = tenant.create(PLURAL, KIND, "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    with tenant.connect("orders") as connection:
        connection.execute("CREATE ROLE clerk LOGIN PASSWORD 'of the clerk'")
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
    backups = Backups(tenant, KIND, "orders")
    task = {"name": "logical-backup", "params": {"args": "--clean --if-exists"}}
    backups.configure(addon={"name": "postgres-addon", "tasks": [task]})
    backups.run("first")

    copy = tenant.create(PLURAL, KIND, "copy", version="17.5", storage=STORAGE, init={"waitForInitialRestore": True})
    restored = backups.ended(backups.restore("new", into="copy"))

    assert restored["status"]["phase"] == "Succeeded", restored["status"]
    tenant.wait_for_phase(copy, "Ready")
    assert tenant.password("copy") != tenant.password("orders")
    with tenant.connect("copy") as connection:
        assert rows(connection) == [7]
    port = tenant.node_port("copy")
    with psycopg.connect(
        host="127.0.0.1", port=port, user="clerk", password="of the clerk", dbname="postgres"
    ) as clerk:
        assert rows(clerk, "SELECT current_user") == ["clerk"]


def test_that_a_failed_tool_says_why_is_tried_again_and_shows_no_password(tenant: Namespace) -> None:
    path = tenant.create(PLURAL, KIND, "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    backups = Backups(tenant, KIND, "orders")
    task = {"name": "logical-backup", "params": {"backupCmd": "pg_dump", "args": "--dbname=nowhere"}}
    backups.configure(addon={"name": "postgres-addon", "tasks": [task]}, retryConfig={"maxRetry": 1, "delay": "1s"})

    failed = backups.ended(backups.start("first", retryLeft=1))

    assert failed["status"]["phase"] == "Failed"
    error = backups.snapshot(failed)["status"]["components"]["dump"]["error"]
    assert 'database "nowhere" does not exist' in error
    assert tenant.password("orders") not in error
    place = f"/apis/core.kubestash.com/v1alpha1/namespaces/{tenant.name}/backupsessions"
    wait_until(lambda: len(tenant.get(place)["items"]) == 2, "the run is tried again")
    again = next(one for one in tenant.get(place)["items"] if one["metadata"]["name"] != "first")
    assert backups.ended(f"{place}/{again['metadata']['name']}")["spec"]["retryLeft"] == 0
    assert tenant.get(f"{place}/first")["status"]["retried"] is True
