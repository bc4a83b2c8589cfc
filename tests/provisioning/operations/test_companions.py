"""That what a database needs beside it comes and goes with it: Redis with its Sentinels, over HTTP against the pocket cluster's API."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.engine import Body
from provisioning.models import Operation, Resource
from provisioning.services.acceptance import Idempotency, ask_to_cancel
from provisioning.services.ordering import delete_database
from tests import cast
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]
SENTINEL = kind_of("kubedb.com/v1", "RedisSentinel")


@pytest.fixture
def provision(ordered: Ordered) -> Operation:
    """The order of a replicated Redis, which Sentinels look after."""
    return ordered(engine="redis", topology={"mode": "replicated"})


def sentinels(stage: Stage, operation: Operation) -> list[Body]:
    namespace = stage.look(operation).database.namespace
    mine = f"dbaas/database-id={operation.database_id}"
    return stage.kube.list(SENTINEL, namespace=namespace, labels=mine)[0]


def ledger(operation: Operation) -> list[tuple[str, bool]]:
    lines = Resource.objects.filter(database_id=operation.database_id).order_by("id")
    return [(line.kind, line.is_gone) for line in lines]


def test_that_companions_come_first_and_are_in_the_ledger(provision: Operation, stage: Stage) -> None:
    stage.work(provision)

    made = sentinels(stage, provision)
    assert len(made) == 1
    assert made[0]["metadata"]["name"] != provision.database.object_name
    assert ledger(provision) == [("RedisSentinel", False), ("Redis", False)]


def test_that_an_undo_waits_until_they_are_gone_too(provision: Operation, stage: Stage) -> None:
    stage.work(provision)
    held = sentinels(stage, provision)[0]["metadata"]
    ref = Ref(kind=SENTINEL, name=held["name"], namespace=held["namespace"])
    stage.kube.merge(ref, {"metadata": {"finalizers": ["kubedb.com"]}})
    ask_to_cancel(provision.id, stage.clock.now(), why="Changed my mind.")

    now = stage.work(provision)
    while now.step != "create_companions" or not now.waiting_for:
        stage.clock.forward((now.next_run_at or stage.clock.now()) - stage.clock.now())
        now = stage.work(provision)
    stage.kube.merge(ref, {"metadata": {"finalizers": None}})
    ended = stage.work_on(provision)

    assert now.state == "undoing"
    assert now.waiting_for.startswith("RedisSentinel ")
    assert (ended.state, stage.body(ended.database), sentinels(stage, provision)) == ("cancelled", None, [])
    assert ledger(provision) == [("RedisSentinel", True), ("Redis", True)]


def test_that_a_deletion_removes_them_too(alice: User, provision: Operation, stage: Stage) -> None:
    stage.provision(provision)
    deletion = delete_database(cast.acting(alice), provision.database_id, Idempotency()).operation

    ended = stage.work_on(deletion)

    assert (ended.state, sentinels(stage, provision)) == ("succeeded", [])
    assert ledger(provision) == [("RedisSentinel", True), ("Redis", True)]
