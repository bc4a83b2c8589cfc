"""That an operator's decision about a stuck operation leads it to a good end, is told in the timeline, and touches nothing that is not stuck."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.services.deciding import abandon, skip
from provisioning.services.refusals import NotSkippable, NotStuck
from tenants.models import Quota
from tests.provisioning.operations.scenes import ask
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]

PROVISION = [step.name for step in all_workflows()["provision"].steps]


def stuck_at(operation: Operation, step: str, **columns: Any) -> Operation:
    """Return the operation, stuck at that step."""
    held = {"state": "stuck", "step": step, "next_run_at": None, "error_code": "test.broken", "error_detail": "Broken."}
    Operation.objects.filter(pk=operation.pk).update(**{**held, **columns})
    return Operation.objects.select_related("database").get(pk=operation.pk)


def going_back(operation: Operation, step: str, **columns: Any) -> Operation:
    return stuck_at(operation, step, undo_deadline_at=operation.deadline_at, **columns)


def told(operation: Operation) -> list[tuple[str, str]]:
    return list(operation.timeline.order_by("seq").values_list("event", "message"))


def test_that_a_step_is_taken_for_done_and_the_next_one_follows(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    stage.serve(operation.database)
    stage.report(operation.database, "NotReady")

    skip(stuck_at(operation, "wait_until_ready"), why="Made by hand.")
    ended = stage.work_on(operation)

    assert (ended.state, ended.database.state) == ("succeeded", "ready")
    assert ("skipped", "Made by hand.") in told(ended)


def test_that_the_last_step_left_out_ends_the_operation_well(ordered: Ordered, stage: Stage) -> None:
    operation = stuck_at(ordered(), PROVISION[-1])

    skip(operation, why="Not needed.")

    ended = stage.look(operation)
    assert (ended.state, ended.progress, ended.holds_database, ended.error_code) == ("succeeded", 100, False, "")
    assert (ended.database.state, ended.database.active_operation_id) == ("ready", None)
    assert [event for event, _ in told(ended)][-2:] == ["skipped", "succeeded"]


def test_that_an_undo_left_out_leads_to_the_one_before(ordered: Ordered, stage: Stage) -> None:
    operation = going_back(ordered(), "create_database")

    skip(operation, why="Removed by hand.")
    ended = stage.work_on(operation)

    assert (ended.state, ended.database.state) == ("failed", "failed")


@pytest.mark.parametrize(("error_code", "outcome"), [("test.broken", "failed"), ("", "cancelled")])
def test_that_the_first_step_s_undo_left_out_ends_the_way_back(
    ordered: Ordered, stage: Stage, error_code: str, outcome: str
) -> None:
    operation = going_back(ordered(), PROVISION[0], error_code=error_code)

    skip(operation, why="Nothing was made.")

    ended = stage.look(operation)
    assert (ended.state, ended.database.state) == (outcome, "failed")
    assert Quota.objects.get().used_databases == 0


def test_that_a_step_of_another_release_cannot_be_left_out(ordered: Ordered, stage: Stage) -> None:
    del stage
    operation = stuck_at(ordered(), "of_another_release")

    with pytest.raises(NotSkippable):
        skip(operation, why="Whatever it is.")


def test_that_what_is_given_up_is_undone(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    made = stage.body(operation.database)
    stuck = stuck_at(operation, "wait_until_ready")

    abandon(stuck, why="Never mind.")
    ended = stage.work_on(operation)

    assert made is not None
    assert stage.body(operation.database) is None
    assert (ended.state, ended.error_code, ended.database.state) == ("failed", "test.broken", "failed")
    assert Quota.objects.get().used_databases == 0


@pytest.mark.parametrize("step", ["create_database", "of_another_release"])
def test_that_what_cannot_be_undone_ends_as_it_stands(ordered: Ordered, stage: Stage, step: str) -> None:
    operation = going_back(ordered(), step)

    abandon(operation, why="Never mind.")

    ended = stage.look(operation)
    assert (ended.state, ended.holds_database, ended.database.state) == ("failed", False, "failed")
    assert [event for event, _ in told(ended)][-2:] == ["abandoned", "failed"]


def test_that_past_the_point_of_no_return_it_ends_as_failed_and_frees_the_database(
    alice: Any, database: Database, stage: Stage
) -> None:
    restart = stuck_at(ask(alice, database, "restart"), "restart_servers")

    abandon(restart, why="Never mind.")

    ended = stage.look(restart)
    assert (ended.state, ended.database.state, ended.database.active_operation_id) == ("failed", "ready", None)
    assert ask(alice, database, "restart").state == "queued"


def test_that_the_delete_that_waits_goes_next(alice: Any, ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    deletion = ask(alice, operation.database, "delete")
    stuck = stuck_at(operation, PROVISION[-1])

    skip(stuck, why="It has to go anyway.")

    assert stage.work_on(deletion).state == "succeeded"


@pytest.mark.parametrize("decide", [skip, abandon])
@pytest.mark.parametrize("columns", [{"state": "running"}, {"step": "create_companions"}])
def test_that_what_moved_on_meanwhile_is_left_alone(
    ordered: Ordered, stage: Stage, decide: Callable[..., None], columns: dict[str, str]
) -> None:
    operation = stuck_at(ordered(), "wait_until_ready")
    Operation.objects.filter(pk=operation.pk).update(**columns)
    before = stage.look(operation)

    with pytest.raises(NotStuck):
        decide(operation, why="Too late.")

    after = stage.look(operation)
    assert (after.state, after.step) == (before.state, before.step)
    assert told(after) == told(before)
