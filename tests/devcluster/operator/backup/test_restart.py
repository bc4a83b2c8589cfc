"""An operator that is killed in the middle of a backup or a restore, and one that was away when a slot came."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.devcluster.operator.backup.stage import CORE, STORAGE_API, Backups, with_storage
from tests.devcluster.operator.conftest import STORAGE, Operator, PocketCluster, wait_until

pytestmark = pytest.mark.processes


def test_that_a_killed_operator_finishes_its_backup_and_its_restore_once(fragile_pocket: PocketCluster) -> None:
    with_storage(fragile_pocket)
    tenant = fragile_pocket.namespace()
    path = tenant.create("postgreses", "Postgres", "orders", version="17.5", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    with tenant.connect("orders") as connection:
        connection.execute(
            "CREATE TABLE parcels AS SELECT number, repeat('x', 100) FROM generate_series(1, 50000) number"
        )
    backups = Backups(tenant, "Postgres", "orders")
    backups.configure()

    started = backups.start("first")
    wait_until(lambda: tenant.get(started).get("status", {}).get("phase") == "Running", "the backup runs")
    fragile_pocket.operator.stop(signal.SIGKILL)
    fragile_pocket.operator.start()

    assert backups.ended(started)["status"]["phase"] == "Succeeded"
    assert len(tenant.get(f"{STORAGE_API}/{tenant.name}/snapshots")["items"]) == 1

    with tenant.connect("orders") as connection:
        connection.execute("TRUNCATE parcels")
    restore = backups.restore("back")
    wait_until(lambda: tenant.get(path)["status"]["phase"] == "DataRestoring", "the restore runs")
    fragile_pocket.operator.stop(signal.SIGKILL)
    fragile_pocket.operator.start()

    assert backups.ended(restore)["status"]["phase"] == "Succeeded"
    tenant.wait_for_phase(path, "Ready")
    with tenant.connect("orders") as connection:
        assert connection.execute("SELECT count(*) FROM parcels").fetchone() == (50000,)
        assert connection.execute("SELECT count(*) FROM pg_database WHERE NOT datallowconn").fetchone() == (1,)


def test_that_two_operators_start_one_run_for_a_slot(fragile_pocket: PocketCluster) -> None:
    with_storage(fragile_pocket)
    tenant = fragile_pocket.namespace()
    path = tenant.create("mysqls", "MySQL", "shop", version="8.4.8", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    configuration = Backups(tenant, "MySQL", "shop").configure(scheduled={"schedule": "0 0 * * *"})
    runs = f"{CORE}/{tenant.name}/backupsessions"
    wait_until(lambda: finished(tenant.get(runs)["items"]) == 1, "the first run ends")
    fragile_pocket.operator.stop(signal.SIGKILL)
    due = (datetime.now(UTC) - timedelta(minutes=1)).replace(second=0)
    schedule = f"{due.minute} {due.hour} * * *"
    change_schedule(fragile_pocket, configuration, schedule, due)
    second_folder = fragile_pocket.server.data_dir.parent / "second"
    second_folder.mkdir()
    second = Operator(fragile_pocket.server.kubeconfig, second_folder)

    fragile_pocket.operator.start()
    second.start()

    try:
        name = f"shop-backup-scheduled-{int(due.timestamp())}"
        wait_until(lambda: phase(tenant.client.get(f"{runs}/{name}").json()) == "Succeeded", "the slot is run")
        assert len(tenant.get(runs)["items"]) == 2
        snapshots = tenant.get(f"{STORAGE_API}/{tenant.name}/snapshots")["items"]
        assert len([one for one in snapshots if one["spec"]["backupSession"] == name]) == 1
    finally:
        second.stop()


def finished(runs: list[dict[str, object]]) -> int:
    return sum(phase(one) == "Succeeded" for one in runs)


def phase(body: dict[str, object]) -> object:
    status = body.get("status")
    return status.get("phase") if isinstance(status, dict) else None


def change_schedule(pocket: PocketCluster, path: str, schedule: str, due: datetime) -> None:
    """Make it look as if the schedule's slot had come while nobody was there."""
    headers = {"Content-Type": "application/merge-patch+json"}
    body = pocket.client.get(path).json()
    sessions = body["spec"]["sessions"]
    sessions[1]["scheduler"]["schedule"] = schedule
    pocket.client.patch(path, json={"spec": {"sessions": sessions}}, headers=headers).raise_for_status()
    status = body["status"]["sessions"]
    status[1]["nextSchedule"] = due.strftime("%Y-%m-%dT%H:%M:%SZ")
    for condition in status[1]["conditions"]:
        if condition["type"] == "SchedulerEnsured":
            condition["message"] = f"The schedule is {schedule}"
    pocket.client.patch(f"{path}/status", json={"status": {"sessions": status}}, headers=headers).raise_for_status()
