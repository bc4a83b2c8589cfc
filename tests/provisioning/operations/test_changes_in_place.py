"""What holds for every operation that KubeDB carries out by an OpsRequest: its end is the row's, the cluster's and the quota's."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from accounts.models import User
from dbaas.core.crash import armed
from provisioning.cluster.kinds import kind_of
from provisioning.engines import all_engines
from provisioning.models import Database, Operation, OperationEvent
from provisioning.ops_requests import API_VERSION
from provisioning.services import control
from provisioning.services.refusals import TooLateToCancel
from tests import cast
from tests.provisioning.operations.scenes import SCENES, Cancel, Scene, ask, begin, check_quota, inventory
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]

CHANGES = [scene for scene in SCENES if any(kind.endswith("OpsRequest") for kind in scene.leaves)]
every_change = pytest.mark.parametrize(
    "scene", CHANGES, ids=[f"{scene.kind}-{scene.cancelled_in}" for scene in CHANGES]
)
RESTART = next(scene for scene in CHANGES if scene.kind == "restart")


def check_row(stage: Stage, database: Database) -> None:
    """Check that the row says what the custom resource has."""
    body = stage.body(database)
    assert body is not None
    held = all_engines()[database.engine].changes.read(body["spec"], database.topology)
    size = held.resources
    assert (database.version, database.topology) == (held.version, held.topology)
    assert (database.cpu_millicores, database.memory_mib, database.storage_gib) == (
        size.cpu_millicores,
        size.memory_mib,
        size.storage_gib,
    )


def size_of(database: Database) -> list[Any]:
    names = ("version", "topology", "plan", "cpu_millicores", "memory_mib", "storage_gib", "parameters")
    return [getattr(database, name) for name in names]


def has(database: Database, body: Mapping[str, Any]) -> bool:
    """Tell whether the row has what was asked for."""
    wanted = {name: value for name, value in body.items() if name not in ("force", "topology", "parameters")}
    asked = {name: str(value) for name, value in body.get("parameters", {}).items()}
    return (
        all(getattr(database, name) == value for name, value in wanted.items())
        and dict(body.get("topology", {})).items() <= database.topology.items()
        and database.parameters == asked
    )


def told(operation: Operation, event: str) -> list[str]:
    lines = OperationEvent.objects.filter(operation=operation, event=event).order_by("seq")
    return list(lines.values_list("step", flat=True))


@every_change
def test_that_what_was_asked_for_is_in_the_row_and_the_cluster_and_the_quota(
    alice: User, ordered: Ordered, stage: Stage, scene: Scene
) -> None:
    ended = stage.play(begin(scene, alice, ordered, stage))

    assert (ended.state, ended.database.state, ended.database.phase) == ("succeeded", "ready", "Ready")
    assert has(ended.database, scene.body)
    check_row(stage, ended.database)
    check_quota(ended.database)


@every_change
def test_that_a_change_that_kubedb_fails_leaves_a_usable_database_as_it_was(
    alice: User, ordered: Ordered, stage: Stage, scene: Scene
) -> None:
    operation = begin(scene, alice, ordered, stage)
    before = size_of(operation.database)
    types = ("VerticalScaling", "HorizontalScaling", "VolumeExpansion", "UpdateVersion", "Reconfigure", "Restart")
    stage.operator.fates = dict.fromkeys((*types, "RotateAuth"), "Failed")

    failed = stage.play(operation)

    assert (failed.state, failed.error_code) == ("failed", "ops_request.failed")
    assert failed.error_detail == "KubeDB reports Failed: It ended as Failed."
    assert (failed.database.state, size_of(failed.database)) == ("ready", before)
    check_row(stage, failed.database)
    check_quota(failed.database)
    stage.operator.fates = {}
    assert stage.play(ask(alice, failed.database, "restart")).state == "succeeded"


@every_change
def test_that_a_cancel_that_comes_when_kubedb_has_begun_is_too_late(
    alice: User, ordered: Ordered, stage: Stage, scene: Scene
) -> None:
    operation = begin(scene, alice, ordered, stage)
    with armed(Cancel(operation, scene)):
        stage.work(operation)
    stage.operator.act(operation.database)
    stage.operator.act(operation.database)

    ended = stage.play(operation)

    assert told(ended, "too_late") == [scene.cancelled_in]
    assert (ended.state, ended.error_code) == ("succeeded", "")
    assert has(ended.database, scene.body)
    check_quota(ended.database)


@every_change
def test_that_nobody_can_cancel_what_kubedb_has_begun(
    alice: User, ordered: Ordered, stage: Stage, scene: Scene
) -> None:
    operation = begin(scene, alice, ordered, stage)
    stage.work(operation)
    stage.operator.act(operation.database)
    stage.operator.act(operation.database)
    stage.is_due(stage.look(operation))
    begun = stage.work(operation)

    with pytest.raises(TooLateToCancel):
        control.cancel(cast.acting(alice), operation.id)

    assert begun.waiting_for == "1 of 1 pods ready. One at a time."
    assert stage.play(operation).state == "succeeded"


@every_change
def test_that_a_request_that_somebody_deletes_waits_for_a_person_who_may_ask_again(
    alice: User, ordered: Ordered, stage: Stage, scene: Scene
) -> None:
    operation = begin(scene, alice, ordered, stage)
    stage.work(operation)
    stage.operator.act(operation.database)
    stage.operator.act(operation.database)
    stage.is_due(stage.look(operation))
    reached = stage.work(operation)
    delete_requests(stage, operation.database)
    stage.is_due(reached)
    stuck = stage.work(operation)

    control.retry(cast.acting(alice), operation.id)
    ended = stage.play(operation)

    assert (stuck.state, stuck.error_code) == ("stuck", "ops_request.gone")
    assert ended.progress == 100 > stuck.progress >= reached.progress > 0
    assert (ended.state, inventory(stage, ended.database)) == ("succeeded", scene.leaves)
    assert has(ended.database, scene.body)
    check_quota(ended.database)


def delete_requests(stage: Stage, database: Database) -> None:
    for name in (all_engines()[database.engine].ops_kind, "RedisSentinelOpsRequest"):
        stage.operator.delete_all(database, kind_of(API_VERSION, name))


def test_that_what_kubedb_refuses_at_once_fails_with_its_words_and_the_row_learns_what_there_is(
    alice: User, database: Database, stage: Stage
) -> None:
    stage.kube.merge(stage.ref(database), {"spec": {"storage": {"resources": {"requests": {"storage": "40Gi"}}}}})

    failed = stage.play(ask(alice, database, "scale", {"storage_gib": 20}))

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "ops_request.refused", "ready")
    assert "spec.volumeExpansion" in failed.error_detail
    assert inventory(stage, database) == {}
    assert failed.database.storage_gib == 40
    check_row(stage, failed.database)


@pytest.mark.parametrize("phase", ["Skipped", "Denied"])
def test_that_a_request_that_kubedb_does_not_carry_out_has_failed(
    alice: User, database: Database, stage: Stage, phase: str
) -> None:
    stage.operator.fates = {"Restart": phase}

    failed = stage.play(ask(alice, database, "restart"))

    assert (failed.state, failed.error_code, failed.database.state) == ("failed", "ops_request.failed", "ready")
    assert phase in failed.error_detail
