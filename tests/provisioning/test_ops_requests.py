"""That a request that KubeDB folded into another one is followed to that one's end."""

import pytest

from accounts.models import User
from provisioning.cluster.kinds import kind_of
from provisioning.engine import Body
from provisioning.models import Database, Operation
from provisioning.ops_requests import API_VERSION
from tests.provisioning.operations.scenes import ask
from tests.provisioning.stage import Stage
from tests.provisioning.stage_operator import condition

KIND = kind_of(API_VERSION, "PostgresOpsRequest")


def the_request(stage: Stage, operation: Operation) -> Body:
    bodies, _ = stage.kube.list(KIND, namespace=operation.database.namespace)
    (found,) = (one for one in bodies if one["spec"]["databaseRef"]["name"] == operation.database.object_name)
    return found


def fold(stage: Stage, operation: Operation) -> Body:
    """Skip the request as KubeDB does when it has put it together with others."""
    merged = condition("Reconfigure", "Merged.") | {"reason": "ConfigurationMerged"}
    return stage.operator.say(the_request(stage, operation), {"phase": "Skipped", "conditions": [merged]})


def make_merged(stage: Stage, database: Database, request: Body, phase: str, number: int) -> None:
    """Make the request that stands for all that were folded."""
    name = f"{database.object_name}-rcfg-merged-{number}"
    metadata = {"name": name, "namespace": database.namespace}
    body = {"apiVersion": API_VERSION, "kind": KIND.kind, "metadata": metadata, "spec": request["spec"]}
    stage.operator.say(stage.kube.create(body), {"phase": phase, "conditions": [condition("Ended", f"{phase}!")]})


@pytest.mark.parametrize(("phase", "ends"), [("Successful", "succeeded"), ("Failed", "failed")])
def test_that_the_latest_merged_request_decides(
    alice: User, database: Database, stage: Stage, phase: str, ends: str
) -> None:
    operation = ask(alice, database, "reconfigure", {"parameters": {"work_mem": 8192}})
    stage.work(operation)
    request = fold(stage, operation)
    make_merged(stage, database, request, "Failed" if phase == "Successful" else "Successful", 1)
    make_merged(stage, database, request, phase, 2)
    stage.is_due(stage.look(operation))

    ended = stage.work_on(operation)

    assert (ended.state, ended.database.state) == (ends, "ready")
    assert ended.database.parameters == ({"work_mem": "8192"} if ends == "succeeded" else {})


def test_that_a_folded_request_without_its_successor_has_failed(alice: User, database: Database, stage: Stage) -> None:
    operation = ask(alice, database, "reconfigure", {"parameters": {"work_mem": 8192}})
    stage.work(operation)
    fold(stage, operation)

    ended = stage.work_on(operation)

    assert (ended.state, ended.error_code) == ("failed", "ops_request.failed")


def test_that_a_failure_without_a_reason_says_so(alice: User, database: Database, stage: Stage) -> None:
    operation = ask(alice, database, "restart")
    stage.work(operation)
    stage.operator.say(the_request(stage, operation), {"phase": "Failed"})

    assert stage.work_on(operation).error_detail == "KubeDB reports Failed and gives no reason."


def test_that_a_request_under_way_tells_how_many_pods_are_through(
    alice: User, database: Database, stage: Stage
) -> None:
    operation = ask(alice, database, "restart")
    stage.work(operation)
    pods = [condition(f"CheckPodReady--{name}", f"Pod {name}.", is_true=name == "a") for name in "ab"]
    stage.operator.say(the_request(stage, operation), {"phase": "Progressing", "conditions": pods})
    stage.is_due(stage.look(operation))

    waiting = stage.work(operation)

    assert waiting.waiting_for.startswith("1 of 2 pods ready. Pod ")
    assert waiting.progress == 50, "the first of three steps, and half of the second"
