"""That a change in the cluster wakes the operation that waits for it, through every way in which a watch breaks, and nothing else does."""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from django.db import connection

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.kinds import ref_of
from provisioning.heartbeats import watcher_of
from provisioning.models import Cluster, Database, Heartbeat, Operation
from provisioning.watching import LONGEST_PAUSE_SECONDS, WATCHED, ClusterWatcher, _pause_seconds, note_change
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.apiserver.samples import eventually
from tests.devcluster.conftest import ApiServer
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]
Strike = Callable[..., None]

LATER = timedelta(minutes=5)


@pytest.fixture
def strike(cluster: ApiServer) -> Iterator[Strike]:
    """Ask the pocket cluster for a fault; called without one, let it behave again."""
    with connect_to(cluster) as admin:

        def ask(fault: str = "", **match: Any) -> None:
            if not fault:
                admin.delete("/_faults")
                return
            assert admin.post("/_faults", json={"match": match, "fault": fault}).status_code == 201

        yield ask
        admin.delete("/_faults")


@pytest.fixture
def waiting(shared_database: None, stage: Stage, ordered: Ordered) -> Operation:
    """An operation that waits for its database."""
    del shared_database
    return stage.work(ordered())


@pytest.fixture
def watcher(waiting: Operation, pocket: Cluster, kube: Gateway, cluster: ApiServer) -> Iterator[ClusterWatcher]:
    """A watcher that has seen everything that is there, and is told to stop after the test."""
    del waiting
    watching = ClusterWatcher(pocket, kube)
    watching.start()
    eventually(sees_everything(watching), "it sees everything")
    yield watching
    end(watching, cluster)


def sees_everything(watching: ClusterWatcher) -> Callable[[], bool]:
    return lambda: len(watching._healthy) == len(WATCHED) and all(watching._healthy.values())


def end(watching: ClusterWatcher, cluster: ApiServer) -> None:
    """Stop the watcher, and let its open streams end as they do at a bookmark."""
    watching.stop()
    with connect_to(cluster) as admin:
        cut = {"match": {"verb": "watch", "now": True}, "fault": "cut_watch"}
        eventually(lambda: not (admin.post("/_faults", json=cut) and alive(watching)), "its threads end")


def alive(watching: ClusterWatcher) -> bool:
    return any(thread.is_alive() for thread in watching._threads)


def asleep(operation: Operation) -> tuple[int, datetime]:
    """Put it to sleep for long, and return what a wake-up changes."""
    Operation.objects.filter(pk=operation.pk).update(next_run_at=SYSTEM_CLOCK.now() + LATER)
    return wakes(operation), SYSTEM_CLOCK.now()


def wakes(operation: Operation) -> int:
    return Operation.objects.get(pk=operation.pk).wake_seq


def is_woken(operation: Operation, before: tuple[int, datetime]) -> Callable[[], bool]:
    def look() -> bool:
        row = Operation.objects.get(pk=operation.pk)
        return row.wake_seq > before[0] and row.next_run_at is not None and row.next_run_at <= SYSTEM_CLOCK.now()

    return look


def test_that_a_change_of_status_wakes_the_operation_within_two_seconds(
    watcher: ClusterWatcher, waiting: Operation, stage: Stage
) -> None:
    del watcher
    before, version = asleep(waiting), waiting.database.row_version

    stage.report(waiting.database, "Provisioning")

    eventually(is_woken(waiting, before), "it is woken", within_seconds=2)
    seen = Database.objects.get(pk=waiting.database_id)
    assert seen.phase == "Provisioning"
    assert seen.row_version == version + 1, "a client that asks with If-None-Match would not be told"


def test_that_what_was_there_before_wakes_too(
    waiting: Operation, pocket: Cluster, kube: Gateway, cluster: ApiServer
) -> None:
    before = asleep(waiting)
    watching = ClusterWatcher(pocket, kube)

    watching.start()

    eventually(is_woken(waiting, before), "it is woken")
    end(watching, cluster)


def test_that_only_what_matters_wakes(
    watcher: ClusterWatcher, waiting: Operation, ordered: Ordered, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    del watcher
    other = stage.work(ordered("other"))
    before, before_other = asleep(waiting), asleep(other)
    ref = stage.ref(waiting.database)
    stage.kube.merge(ref, {"metadata": {"labels": {"team": "shop"}}})
    foreign = {
        "apiVersion": "kubedb.com/v1",
        "kind": "Postgres",
        "spec": {"version": "17.5", "storageType": "Ephemeral"},
        "metadata": {
            "name": "foreign",
            "namespace": ref.namespace,
            "labels": {"dbaas/managed-by": "dbaas", "dbaas/database-id": "no-id-of-ours"},
        },
    }
    made = stage.kube.create(foreign)
    stage.kube.merge(ref_of(made), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(ref_of(made), uid=made["metadata"]["uid"])

    stage.report(other.database, "Provisioning")

    eventually(is_woken(other, before_other), "the later change is seen")
    assert wakes(waiting) == before[0]
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


def test_that_a_deletion_wakes(watcher: ClusterWatcher, waiting: Operation, stage: Stage) -> None:
    del watcher
    before = asleep(waiting)

    remove(waiting, stage)

    eventually(is_woken(waiting, before), "it is woken", within_seconds=2)


def remove(operation: Operation, stage: Stage) -> None:
    body = stage.body(operation.database)
    assert body is not None
    stage.kube.merge(stage.ref(operation.database), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(stage.ref(operation.database), uid=body["metadata"]["uid"])


@pytest.mark.parametrize("fault", ["cut_watch", "gone"])
def test_that_it_survives_a_broken_stream(
    watcher: ClusterWatcher, waiting: Operation, stage: Stage, strike: Strike, fault: str
) -> None:
    del watcher
    before = asleep(waiting)

    strike(fault, verb="watch", now=True)
    stage.report(waiting.database, "Provisioning")

    eventually(is_woken(waiting, before), "it is woken", within_seconds=3)


def test_that_what_vanished_while_nobody_looked_wakes(
    watcher: ClusterWatcher, waiting: Operation, stage: Stage, strike: Strike
) -> None:
    before = asleep(waiting)
    strike("503", verb="list", resource="postgreses", every=True)
    strike("cut_watch", verb="watch", now=True)
    eventually(lambda: not watcher._healthy["postgreses"], "it is blind")
    remove(waiting, stage)

    strike()

    eventually(is_woken(waiting, before), "it is woken")


def test_that_it_survives_a_restart_of_the_api_server(
    shared_database: None,
    alice: object,
    shop: object,
    ordered: Ordered,
    stage: Stage,
    fresh_cluster: Callable[..., ApiServer],
) -> None:
    del shared_database, alice, shop
    server = fresh_cluster("--faults")
    Cluster.objects.filter(pk=stage.cluster.pk).update(kubeconfig_path=str(server.kubeconfig))
    stage.kube = Gateway(Reach(kubeconfig_path=str(server.kubeconfig)))
    waiting = stage.work(ordered())
    watching = ClusterWatcher(stage.cluster, stage.kube)
    watching.start()
    eventually(sees_everything(watching), "it sees everything")
    port = httpx.URL(server.url).port

    server.stop()
    server.start(port or 0)
    before = asleep(waiting)
    stage.report(waiting.database, "Provisioning")

    eventually(is_woken(waiting, before), "it is woken", within_seconds=8)
    end(watching, server)


def test_that_it_survives_an_outage_of_the_metadata_database(
    watcher: ClusterWatcher, waiting: Operation, stage: Stage
) -> None:
    before, table = asleep(waiting), Database._meta.db_table

    rename(table, "away")
    try:
        stage.report(waiting.database, "Provisioning")
        eventually(lambda: not watcher._healthy["postgreses"], "it notices")
    finally:
        rename("away", table)

    eventually(is_woken(waiting, before), "it is woken")
    assert alive(watcher)


def rename(table: str, new_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {new_name}")


def test_that_it_beats_only_while_it_sees_every_kind(
    waiting: Operation, pocket: Cluster, kube: Gateway, cluster: ApiServer, strike: Strike
) -> None:
    del waiting
    strike("503", verb="list", resource="redises", every=True)
    watching = ClusterWatcher(pocket, kube)
    watching.start()
    eventually(lambda: len(watching._healthy) == len(WATCHED), "all have tried")
    time.sleep(1.1)  # as long as it takes a beat to come, if it came
    silent = not Heartbeat.objects.exists()

    strike()

    eventually(lambda: Heartbeat.objects.filter(pk=watcher_of(pocket)).exists(), "it beats", within_seconds=8)
    assert silent
    end(watching, cluster)


def test_that_a_beat_that_is_not_written_is_tried_again(
    waiting: Operation, pocket: Cluster, kube: Gateway, cluster: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    del waiting
    table = Heartbeat._meta.db_table
    rename(table, "away")
    watching = ClusterWatcher(pocket, kube)
    watching.start()

    eventually(lambda: "the heartbeat of pocket was not written" in caplog.text, "it notices")
    rename("away", table)

    assert watching._threads[-1].is_alive()
    end(watching, cluster)


def test_that_a_thread_that_is_told_to_stop_ends_with_the_next_event(
    watcher: ClusterWatcher, waiting: Operation, stage: Stage
) -> None:
    postgres = watcher._threads[[kind.kind for kind in WATCHED].index("Postgres")]
    watcher.stop()

    stage.report(waiting.database, "Provisioning")

    eventually(lambda: not postgres.is_alive(), "it ends")


def test_that_an_object_of_a_database_at_rest_wakes_nobody(waiting: Operation, stage: Stage) -> None:
    body = stage.body(waiting.database)
    assert body is not None
    Database.objects.update(active_operation_id=None, state="ready")
    before = asleep(waiting)

    note_change(waiting.database_id, {**body, "status": {"phase": "Critical"}})

    assert Database.objects.get().phase == "Critical"
    assert wakes(waiting) == before[0]


def test_that_pauses_grow_to_a_ceiling_however_long_it_lasts() -> None:
    assert [_pause_seconds(failures) for failures in (1, 2, 3)] == [0.5, 1.0, 2.0]
    assert _pause_seconds(10_000) == LONGEST_PAUSE_SECONDS


def test_that_an_object_of_a_deleted_database_wakes_and_is_not_noted(waiting: Operation, stage: Stage) -> None:
    body = stage.body(waiting.database)
    assert body is not None
    Database.objects.update(is_live=False)
    before = asleep(waiting)

    note_change(waiting.database_id, {**body, "status": {"phase": "Ready"}})

    assert Database.objects.get().phase == ""
    assert wakes(waiting) == before[0] + 1


def test_that_a_companion_s_phase_is_not_the_database_s(waiting: Operation, stage: Stage) -> None:
    body = stage.body(waiting.database)
    assert body is not None
    body["metadata"]["name"] += "-sentinel"
    before = asleep(waiting)

    note_change(waiting.database_id, {**body, "status": {"phase": "Ready"}})

    assert Database.objects.get().phase == ""
    assert wakes(waiting) == before[0] + 1
