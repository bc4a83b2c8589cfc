"""Backups of a database behind which no server runs: the same objects and phases, and what may not be."""

from typing import Any

from tests.devcluster.operator.backup.stage import CORE, STORAGE_API, Backups
from tests.devcluster.operator.conftest import STORAGE, Namespace, wait_until

PLURAL, KIND = "mysqls", "MySQL"


def ready(tenant: Namespace, **configuration: Any) -> Backups:
    path = tenant.create(PLURAL, KIND, "shop", version="8.4.8", storage=STORAGE)
    tenant.wait_for_phase(path, "Ready")
    backups = Backups(tenant, KIND, "shop")
    backups.configure(**configuration)
    return backups


def test_that_retention_and_history_let_the_oldest_go(tenant: Namespace) -> None:
    backups = ready(tenant, keep=2, sessionHistoryLimit=2)

    for name in ("one", "two", "three"):
        session = backups.run(name)

    assert session["status"]["retentionPolicy"][0]["phase"] == "Applied"
    place = f"{STORAGE_API}/{tenant.name}"
    repository = f"{place}/repositories/shop-manual"
    wait_until(lambda: tenant.get(repository)["status"].get("snapshotCount") == 2, "two snapshots are left")
    left = {one["spec"]["backupSession"] for one in tenant.get(f"{place}/snapshots")["items"]}
    assert left == {"two", "three"}
    folder = tenant.data_dir / "backups" / "dbaas-backup" / "dbaas" / tenant.name / "shop" / "manual"
    assert len(list(folder.iterdir())) == 2
    runs = tenant.get(f"{CORE}/{tenant.name}/backupsessions")["items"]
    wait_until(lambda: len(tenant.get(f"{CORE}/{tenant.name}/backupsessions")["items"]) == 2, str(len(runs)))


def test_that_a_second_run_and_a_run_of_a_paused_configuration_are_skipped(tenant: Namespace) -> None:
    backups = ready(tenant)
    first = backups.start("first")
    wait_until(lambda: tenant.get(first).get("status", {}).get("phase") == "Running", "the first runs")

    second = backups.run("second")

    assert second["status"]["phase"] == "Skipped"
    assert second["status"]["conditions"][0]["reason"] == "PreRequisitesNotSatisfied"
    assert "first is running" in second["status"]["conditions"][0]["message"]
    assert backups.ended(first)["status"]["phase"] == "Succeeded"

    tenant.patch(f"{CORE}/{tenant.name}/backupconfigurations/shop-backup", {"spec": {"paused": True}})
    assert "is paused" in backups.run("third")["status"]["conditions"][0]["message"]


def test_that_a_schedule_starts_with_one_run_and_names_the_next(tenant: Namespace) -> None:
    backups = ready(tenant, scheduled={"schedule": "0 3 * * *"})

    def runs() -> list[str]:
        found = tenant.get(f"{CORE}/{tenant.name}/backupsessions")["items"]
        return [one["metadata"]["name"] for one in found]

    wait_until(lambda: len(runs()) == 1, "the first run is there")
    assert runs()[0].startswith("shop-backup-scheduled-")
    session = backups.ended(f"{CORE}/{tenant.name}/backupsessions/{runs()[0]}")
    assert session["status"]["phase"] == "Succeeded"
    status = tenant.get(f"{CORE}/{tenant.name}/backupconfigurations/shop-backup")["status"]
    upcoming = {one["name"]: one["nextSchedule"] for one in status["sessions"]}
    assert upcoming["manual"] == ""
    assert upcoming["scheduled"].endswith("T03:00:00Z")


def test_that_deleting_a_snapshot_and_then_the_configuration_leaves_no_file(tenant: Namespace) -> None:
    backups = ready(tenant)
    snapshot, kept = backups.snapshot(backups.run("first")), backups.snapshot(backups.run("second"))
    root = tenant.data_dir / "backups" / "dbaas-backup" / "dbaas" / tenant.name
    path = backups.snapshot_path(snapshot["metadata"]["name"])

    tenant.client.delete(path).raise_for_status()

    tenant.wait_until_gone(path)
    assert len(list(root.glob("shop/manual/*/dump.gz"))) == 1

    tenant.client.delete(f"{CORE}/{tenant.name}/backupconfigurations/shop-backup").raise_for_status()

    tenant.wait_until_gone(f"{STORAGE_API}/{tenant.name}/repositories/shop-manual")
    tenant.wait_until_gone(backups.snapshot_path(kept["metadata"]["name"]))
    assert not list(root.glob("**/*.gz"))


def test_that_a_backup_keeps_its_time_limit(tenant: Namespace) -> None:
    backups = ready(tenant)

    session = backups.ended(backups.start("first", backupTimeout="100ms"))

    assert session["status"]["phase"] == "Failed"
    assert "time limit 100ms" in backups.snapshot(session)["status"]["components"]["dump"]["error"]


def test_that_deleting_a_restore_before_it_ends_leaves_the_database_not_ready(tenant: Namespace) -> None:
    backups = ready(tenant)
    backups.run("first")
    path = f"/apis/kubedb.com/v1/namespaces/{tenant.name}/mysqls/shop"
    restore = backups.restore("back")
    wait_until(lambda: tenant.get(path)["status"]["phase"] == "DataRestoring", "the restore runs")

    tenant.client.delete(restore).raise_for_status()

    tenant.wait_for_phase(path, "NotReady")
    tenant.wait_until_gone(restore)
    (restored,) = (one for one in tenant.get(path)["status"]["conditions"] if one["type"] == "DataRestored")
    assert restored["reason"] == "DataRestoreInterrupted"
    assert backups.ended(backups.restore("again"))["status"]["phase"] == "Succeeded"
    tenant.wait_for_phase(path, "Ready")


def test_that_a_halted_database_is_not_backed_up(tenant: Namespace) -> None:
    backups = ready(tenant)
    path = f"/apis/kubedb.com/v1/namespaces/{tenant.name}/mysqls/shop"
    tenant.patch(path, {"spec": {"halted": True}})
    tenant.wait_for_phase(path, "Halted")

    session = backups.run("first")

    assert session["status"]["phase"] == "Skipped"
    assert "MySQL shop is halted" in session["status"]["conditions"][0]["message"]
