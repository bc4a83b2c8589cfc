"""That a database of every engine lives through everything that can be asked for, keeps its rows throughout, and leaves nothing."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from provisioning.engines import all_engines
from tests.devcluster.kubectl import run as kubectl
from tests.e2e.rights import for_rare_cases, granted, used
from tests.e2e.stories import STORIES, Story, Teller
from tests.e2e.system import Customer, Json, System, new_customer, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("stories")]

TOLD_WITHIN_SECONDS = 280

LOOKED_FOR = (
    "pg,rd,rds,my,mg,es,pods,persistentvolumeclaims,secrets,services,configmaps,petsets,"
    "backupconfigurations,backupsessions,restoresessions,retentionpolicies,snapshots.storage.kubestash.com,repositories.storage.kubestash.com"
)
OWN_BY_KUBERNETES = {"configmap/kube-root-ca.crt"}


@pytest.fixture(scope="session")
def tellings(system: System) -> Iterator[dict[str, Future[None]]]:
    """All stories, told at the same time: most of each is waiting for a cluster."""
    with ThreadPoolExecutor(len(STORIES)) as pool:
        yield {story.engine: pool.submit(tell, system, story) for story in STORIES}


@pytest.mark.parametrize("engine", [story.engine for story in STORIES])
def test_that_a_database_lives_through_everything(tellings: dict[str, Future[None]], engine: str) -> None:
    tellings[engine].result(timeout=TOLD_WITHIN_SECONDS)


def test_that_no_right_of_our_accounts_is_granted_for_nothing(
    system: System, customer: Customer, tellings: dict[str, Future[None]]
) -> None:
    for telling in tellings.values():
        telling.result(timeout=TOLD_WITHIN_SECONDS)
    database = customer.database(customer.follow(customer.order("watched", "redis", plan="micro")))

    for insight in ("events", "logs", "metrics"):
        customer.checked(customer.api.get(f"/api/v1/databases/{database['id']}/{insight}"))
    system.compare()

    with suppress(AssertionError):  # what is missing says more than that it took too long
        wait_until("every right is used", lambda: granted() - used(system) <= for_rare_cases(), seconds=20)
    assert sorted(granted() - used(system) - for_rare_cases()) == []


def test_that_every_engine_has_a_story() -> None:
    assert sorted(story.engine for story in STORIES) == sorted(all_engines())


def tell(system: System, story: Story) -> None:
    with new_customer(system, f"{story.engine}-teller") as customer:
        tell_of(system, customer, story)


def tell_of(system: System, customer: Customer, story: Story) -> None:
    teller = Teller(customer, story)

    order_and_fill(teller)
    keep_every_change(teller)
    scale_everything_at_once(teller)
    rotate(teller)
    lose_rows_and_get_them_back(teller)
    copy_from_backup(teller)
    copy_from_moment(system, teller)
    pause_and_resume(teller)
    upgrade(teller)
    delete_and_come_back(teller)
    delete_for_good(teller)

    assert set(customer.quota().values()) == {0}
    assert left_in_cluster(system, customer) == []


def order_and_fill(teller: Teller) -> None:
    teller.begin("orders")

    for number in range(3):
        teller.write(f"row-{number}")

    assert teller.database["simulated"] == (teller.story.rows is None)
    teller.require_rows()


def keep_every_change(teller: Teller) -> None:
    wanted = {"schedule": "0 2 * * *", "time_zone": "Europe/Berlin", "point_in_time": teller.story.point_in_time}

    teller.require_success(teller.customer.set_policy(teller.database, **wanted))

    policy = teller.customer.policy(teller.database)
    assert {name: policy[name] for name in wanted} == wanted


def scale_everything_at_once(teller: Teller) -> None:
    scale = teller.story.scale

    teller.ask("scale", **scale)

    now = teller.database
    assert (now["status"], now["plan"], now["storage_gib"]) == ("ready", scale["plan"], scale["storage_gib"])
    assert now["topology"]["replicas"] == scale["topology"]["replicas"]
    teller.require_rows()


def rotate(teller: Teller) -> None:
    before = teller.uri

    teller.ask("rotate-credentials")

    assert teller.uri != before
    teller.require_refused(before)
    teller.require_rows()


def lose_rows_and_get_them_back(teller: Teller) -> None:
    teller.ask("backup", note="before the accident")
    backup = backup_of_kind("manual", teller)
    teller.destroy()

    teller.ask("restore", backup=backup["id"])

    assert (backup["state"], backup["note"]) == ("succeeded", "before the accident")
    assert backup["size_bytes"] > 0
    teller.require_rows()


def copy_from_backup(teller: Teller) -> None:
    backup = backup_of_kind("manual", teller)
    copy = Teller(teller.customer, teller.story)

    copy.begin("copy", restore_from={"backup": backup["id"]})

    assert copy.database["topology"] == teller.database["topology"]
    copy.require_rows(of=teller)
    copy.require_success(copy.customer.delete(copy.database))
    teller.require_rows()


def copy_from_moment(system: System, teller: Teller) -> None:
    if not teller.story.point_in_time:
        return
    wait_until("moments can be restored", lambda: is_restorable(system, teller), seconds=180, again_in=1.0)
    then, moment = set(teller.told), datetime.now(UTC)
    teller.write("later")
    copy = Teller(teller.customer, teller.story, told=then)

    copy.begin("as-it-was", restore_from={"database": teller.database["id"], "point_in_time": moment.isoformat()})

    copy.require_rows()
    copy.require_success(copy.customer.delete(copy.database))
    teller.require_rows()


def is_restorable(system: System, teller: Teller) -> bool:
    system.look_after()
    return bool(teller.customer.policy(teller.database)["restorable"])


def pause_and_resume(teller: Teller) -> None:
    teller.ask("pause")

    assert (teller.database["status"], teller.database["endpoint"]) == ("paused", None)

    teller.ask("resume")

    assert teller.database["status"] == "ready"
    teller.require_rows()


def upgrade(teller: Teller) -> None:
    teller.ask("upgrade", version=teller.story.upgrade_to)

    assert (teller.database["version"], teller.database["status"]) == (teller.story.upgrade_to, "ready")
    teller.require_rows()


def delete_and_come_back(teller: Teller) -> None:
    gone = teller.database
    teller.require_success(teller.customer.delete(gone, final_backup=True))
    final = backup_of_kind("final", teller)

    teller.begin("orders", restore_from={"backup": final["id"]})

    assert final["version"] == teller.database["version"] == teller.story.upgrade_to
    teller.require_rows()
    for backup in teller.customer.backups(gone):
        assert teller.customer.follow(teller.customer.delete_backup(backup))["state"] == "succeeded"
    assert teller.customer.backups(gone) == []


def delete_for_good(teller: Teller) -> None:
    teller.ask("backup")

    teller.require_success(teller.customer.delete(teller.database, backups="delete"))

    assert teller.customer.backups(teller.database) == []


def backup_of_kind(kind: str, teller: Teller) -> Json:
    (found,) = [backup for backup in teller.customer.backups(teller.database) if backup["kind"] == kind]
    return found


def left_in_cluster(system: System, customer: Customer) -> list[str]:
    listed = kubectl(system.kubeconfig, "get", LOOKED_FOR, "-n", customer.tenant["namespace"], "-o", "json")
    found = {f"{body['kind'].lower()}/{body['metadata']['name']}" for body in json.loads(listed)["items"]}
    return sorted(found - OWN_BY_KUBERNETES)
