"""That scaling does its parts in order, keeps what succeeded, and takes no more of the quota than there is."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from provisioning.models import Database, Operation, OperationEvent
from provisioning.orders import InvalidOrder
from tenants.models import Quota
from tenants.quota import QuotaExceeded
from tests.provisioning.operations.scenes import ask, begin, check_quota, inventory, scene_of
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def test_that_the_parts_come_one_after_the_other(alice: User, ordered: Ordered, stage: Stage) -> None:
    ended = stage.play(begin(scene_of("scale"), alice, ordered, stage))

    done = OperationEvent.objects.filter(operation=ended, event="done").order_by("seq").values_list("step", flat=True)
    assert list(done) == [
        "ask_for_compute",
        "change_compute",
        "ask_for_members",
        "change_members",
        "ask_for_storage",
        "change_storage",
        "wait_until_ready",
    ]


def test_that_no_part_begins_before_the_one_before_has_ended(alice: User, ordered: Ordered, stage: Stage) -> None:
    operation = begin(scene_of("scale"), alice, ordered, stage)

    stage.work(operation)

    assert inventory(stage, operation.database) == {"PostgresOpsRequest": 1}


@pytest.mark.parametrize(
    ("failing", "memory_mib", "replicas", "requests"),
    [("VerticalScaling", 2048, 2, 1), ("HorizontalScaling", 3072, 2, 2), ("VolumeExpansion", 3072, 3, 3)],
)
def test_that_a_part_that_fails_leaves_those_before_it(
    alice: User, ordered: Ordered, stage: Stage, failing: str, memory_mib: int, replicas: int, requests: int
) -> None:
    stage.operator.fates = {failing: "Failed"}

    failed = stage.play(begin(scene_of("scale"), alice, ordered, stage))

    database = failed.database
    assert (failed.state, failed.error_code, database.state) == ("failed", "ops_request.failed", "ready")
    assert (database.memory_mib, database.topology["replicas"], database.storage_gib) == (memory_mib, replicas, 10)
    assert inventory(stage, database) == {"PostgresOpsRequest": requests}
    check_quota(database)


@pytest.mark.parametrize(
    ("body", "plan"), [({"plan": "medium"}, "medium"), ({"cpu_millicores": 750, "memory_mib": 1536}, "custom")]
)
def test_that_plans_and_amounts_may_be_asked_for(
    alice: User, database: Database, stage: Stage, body: dict[str, Any], plan: str
) -> None:
    ended = stage.play(ask(alice, database, "scale", body))

    assert (ended.state, ended.database.plan) == ("succeeded", plan)
    check_quota(ended.database)


def test_that_what_is_growing_is_reserved_from_the_beginning_and_what_shrinks_freed_at_the_end(
    alice: User, database: Database, stage: Stage
) -> None:
    before = Quota.objects.get()

    operation = ask(alice, database, "scale", {"memory_mib": 1024, "storage_gib": 20})
    during = Quota.objects.get()
    ended = stage.play(operation)

    after = Quota.objects.get()
    assert [one.used_storage_gib for one in (before, during, after)] == [10, 20, 20]
    assert before.used_memory_mib == during.used_memory_mib == after.used_memory_mib + 1024
    check_quota(ended.database)


def test_that_a_tenant_whose_quota_is_used_up_cannot_grow_and_nothing_has_changed(
    alice: User, database: Database
) -> None:
    Quota.objects.update(max_storage_gib=15)

    with pytest.raises(QuotaExceeded):
        ask(alice, database, "scale", {"storage_gib": 16})

    now = Database.objects.get(pk=database.pk)
    assert (now.state, now.active_operation_id, now.reserved_storage_gib) == ("ready", None, 10)
    assert not Operation.objects.filter(kind="scale").exists()
    check_quota(now)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"storage_gib": 9}, "cannot_shrink"),
        ({}, "nothing_to_do"),
        ({"plan": "small"}, "nothing_to_do"),
        ({"plan": "enormous"}, "unknown_plan"),
        ({"plan": "medium", "memory_mib": 4096}, "ambiguous"),
        ({"topology": {"mode": "replicated"}}, "cannot_change"),
    ],
)
def test_that_what_cannot_be_is_refused_and_the_database_stays_free(
    alice: User, database: Database, body: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidOrder) as refused:
        ask(alice, database, "scale", body)

    now = Database.objects.get(pk=database.pk)
    assert [error.code for error in refused.value.errors] == [code]
    assert (now.state, now.active_operation_id) == ("ready", None)
    check_quota(now)
