"""That /health/ready tells which part of the product does not work, and stays ready: orders are accepted all the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.health import (
    ClusterNotWatched,
    DispatcherSilent,
    WorkersBehind,
    require_dispatcher,
    require_prompt_workers,
    require_watched_clusters,
)
from provisioning.heartbeats import DISPATCHER, watcher_of
from provisioning.models import Cluster, Heartbeat, Operation
from tests.cast import Api, body_of

Ordered = Callable[..., Operation]


def test_that_a_silent_dispatcher_is_noticed(db: None) -> None:
    del db

    with pytest.raises(DispatcherSilent, match="never"):
        require_dispatcher()


def test_that_an_old_beat_of_the_dispatcher_is_noticed(db: None) -> None:
    del db
    Heartbeat.beat(DISPATCHER, now=SYSTEM_CLOCK.now() - timedelta(minutes=1))

    with pytest.raises(DispatcherSilent):
        require_dispatcher()


def test_that_a_beating_dispatcher_is_well(db: None) -> None:
    del db
    Heartbeat.beat(DISPATCHER, now=SYSTEM_CLOCK.now())

    require_dispatcher()


def test_that_a_cluster_nobody_watches_is_named(nowhere: Cluster) -> None:
    with pytest.raises(ClusterNotWatched, match="Silent: nowhere"):
        require_watched_clusters()

    Heartbeat.beat(watcher_of(nowhere), now=SYSTEM_CLOCK.now())
    require_watched_clusters()


@pytest.mark.usefixtures("nowhere")
def test_that_operations_that_wait_for_workers_are_noticed(ordered: Ordered) -> None:
    ordered()
    require_prompt_workers()

    Operation.objects.update(next_run_at=SYSTEM_CLOCK.now() - timedelta(minutes=3))
    with pytest.raises(WorkersBehind, match="waited for 180 s"):
        require_prompt_workers()


def test_that_the_product_stays_ready_while_parts_of_it_are_down(api: Api, nowhere: Cluster) -> None:
    del nowhere

    answer = api.get("/health/ready")

    found = body_of(answer)
    assert (answer.status_code, found["status"]) == (200, "degraded")
    assert {name: check["status"] for name, check in found["checks"].items()} == {
        "broker": "ok",
        "clusters": "failed",
        "database": "ok",
        "dispatcher": "failed",
        "webhooks": "ok",
        "workers": "ok",
    }
