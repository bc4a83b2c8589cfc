"""That what an engine needs beside the database comes first, and goes with it: Redis and its sentinels."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.engine import Body
from provisioning.models import Database, Operation, Resource
from provisioning.services.acceptance import Idempotency, ask_to_cancel
from provisioning.services.ordering import delete_database
from tests import cast
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]
SENTINELS: dict[str, Any] = {"mode": "replicated"}


@pytest.fixture
def operation(ordered: Ordered, stage: Stage) -> Operation:
    """A Redis with sentinels on its way: everything is asked for, nothing is ready."""
    return stage.work(ordered("cache", "redis", topology=SENTINELS))


def sentinel_of(database: Database) -> Ref:
    kind = kind_of("kubedb.com/v1", "RedisSentinel")
    return Ref(kind=kind, name=f"{database.object_name}-sentinel", namespace=database.namespace)


def sentinel(stage: Stage, database: Database) -> Body | None:
    return stage.kube.get(sentinel_of(database))


def test_that_the_sentinels_are_made_before_the_database(operation: Operation, stage: Stage) -> None:
    made, database = sentinel(stage, operation.database), stage.body(operation.database)

    assert made is not None
    assert database is not None
    assert int(made["metadata"]["resourceVersion"]) < int(database["metadata"]["resourceVersion"])
    lines = Resource.objects.filter(database=operation.database).order_by("id")
    assert [line.kind for line in lines] == ["RedisSentinel", "NetworkPolicy", "Redis"]


def test_that_a_cancel_removes_both(operation: Operation, stage: Stage) -> None:
    ask_to_cancel(operation.id, stage.clock.now(), why="Changed my mind.")

    ended = stage.work_on(operation)

    assert ended.state == "cancelled"
    assert (stage.body(ended.database), sentinel(stage, ended.database)) == (None, None)
    assert not Resource.objects.filter(database=ended.database, is_gone=False).exists()


def test_that_undoing_waits_until_the_sentinels_are_gone(operation: Operation, stage: Stage) -> None:
    ref = sentinel_of(operation.database)
    stage.kube.merge(ref, {"metadata": {"finalizers": ["kubedb.com"]}})
    ask_to_cancel(operation.id, stage.clock.now(), why="Changed my mind.")
    now = stage.look(operation)
    for _ in range(4):
        now = stage.work(operation)
        stage.clock.forward((now.next_run_at or stage.clock.now()) - stage.clock.now())

    assert (now.state, now.step) == ("undoing", "create_companions")
    assert "RedisSentinel" in now.waiting_for

    stage.kube.merge(ref, {"metadata": {"finalizers": None}})
    assert stage.work_on(operation).state == "cancelled"


def test_that_a_deletion_removes_the_database_and_then_its_sentinels(
    alice: User, operation: Operation, stage: Stage
) -> None:
    stage.serve(operation.database)
    stage.report(operation.database, "Ready")
    ready = stage.work_on(operation)

    deletion = delete_database(cast.acting(alice), operation.database_id, Idempotency()).operation
    ended = stage.work_on(deletion)

    assert (ready.state, ended.state) == ("succeeded", "succeeded")
    assert (stage.body(ended.database), sentinel(stage, ended.database)) == (None, None)
