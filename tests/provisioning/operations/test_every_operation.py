"""What every operation must be like, found by looking in the registry; and that each survives a worker's death, forwards and backwards.

Here it is one death for each operation, over HTTP. Every point of every operation is `tests.proof.crashes`' business, on a simulated cluster.
"""

from collections.abc import Callable
from itertools import zip_longest
from typing import get_args, get_type_hints

import pytest

from accounts.models import User
from dbaas.core.crash import CrashPointReached, armed
from provisioning.lease import CLOCK_SKEW, LEASE
from provisioning.models import Database, Operation, Resource
from provisioning.operations import all_workflows
from provisioning.states import MOVING
from provisioning.workflow.declare import Step, TooLate, Workflow
from tenants.models import Quota
from tests.provisioning.operations.scenes import Cancel, ask, begin, check_quota, inventory, scene_of, scene_that_undoes
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]

STEPS = [(workflow, step) for workflow in all_workflows().values() for step in workflow.steps]
POINTS = [(workflow.kind, f"{workflow.kind}.{workflow.steps[0].name}.after") for workflow in all_workflows().values()]
"""One for each operation: its first effect is made and not saved."""

UNDOS = [
    next((workflow.kind, step.name, f"{workflow.kind}.{step.name}.undo.after") for step in workflow.steps if step.undo)
    for workflow in all_workflows().values()
    if any(step.undo for step in workflow.steps)
]
SHARED_POINTS = [
    ("scale", "advance.after_claim"),
    ("scale", "advance.before_commit"),
    ("scale", "advance.after_save"),
    ("restore", "create.after_effect"),
    ("backup_policy", "put.after_effect"),
    ("delete", "delete.after_effect"),
]


class Trap:
    """Crashes the worker at the first passing of one point, and at the third: the second is the next worker's try, which may wait."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.passed = 0

    def __call__(self, name: str) -> None:
        self.passed += name == self.point
        if name == self.point and self.passed in (1, 3):
            raise CrashPointReached


def live(stage: Stage, operation: Operation, *, rounds: int = 60) -> Operation:
    """Let workers and the operator take turns; where a worker dies, its lease runs out, and the next one takes over."""
    for _ in range(rounds):
        now = stage.look(operation)
        if now.state not in MOVING:
            return now
        stage.is_due(now)
        try:
            stage.work(operation)
        except CrashPointReached:
            stage.clock.forward(LEASE + CLOCK_SKEW * 2)
        else:
            stage.operator.act(stage.look(operation).database)
    raise AssertionError(f"{operation} is still {now.state} at {now.step}: {now.waiting_for}")


def check_that_nothing_is_left(alice: User, stage: Stage) -> None:
    """Delete every database, and check that the ledger is empty and the quota free."""
    for database in Database.objects.filter(is_live=True):
        assert live(stage, ask(alice, database, "delete", {"backups": "delete"})).state == "succeeded"
        assert stage.body(database) is None
        assert inventory(stage, database) == {}
    assert not Resource.objects.filter(is_gone=False).exists()
    check_quota(*Database.objects.all())


@pytest.mark.parametrize(("kind", "point"), [*SHARED_POINTS, *POINTS])
def test_that_a_worker_may_die(alice: User, ordered: Ordered, stage: Stage, kind: str, point: str) -> None:
    scene, trap = scene_of(kind), Trap(point)
    operation = begin(scene, alice, ordered, stage)

    with armed(trap):
        ended = live(stage, operation)

    assert ended.state == "succeeded", f"{ended.error_code}: {ended.error_detail}"
    assert trap.passed > 1
    assert inventory(stage, ended.database) == scene.leaves
    check_quota(*Database.objects.all())
    check_that_nothing_is_left(alice, stage)


@pytest.mark.parametrize(("kind", "step", "point"), UNDOS)
def test_that_a_worker_may_die_on_the_way_back(
    alice: User, ordered: Ordered, stage: Stage, kind: str, step: str, point: str
) -> None:
    scene, trap = scene_that_undoes(kind, step), Trap(point)
    operation = begin(scene, alice, ordered, stage)
    before = operation.database.previous_state
    cancel, stage.operator.begins = Cancel(operation, scene), False

    def meet(name: str) -> None:
        cancel(name)
        trap(name)

    with armed(meet):
        ended = live(stage, operation)

    assert ended.state == "cancelled", f"{ended.error_code}: {ended.error_detail}"
    assert trap.passed > 1
    assert ended.database.state == (all_workflows()[kind].on_undone or before)
    assert inventory(stage, ended.database) == scene.cancel_leaves
    check_quota(*Database.objects.all())
    check_that_nothing_is_left(alice, stage)


@pytest.mark.parametrize(("workflow", "step"), STEPS, ids=[f"{workflow.kind}.{step.name}" for workflow, step in STEPS])
def test_that_every_step_explains_itself_to_customers(workflow: Workflow, step: Step) -> None:
    del workflow

    assert step.sentence[0].isupper()
    assert step.sentence.endswith(".")
    assert len(step.sentence) <= 80


@pytest.mark.parametrize(("workflow", "step"), STEPS, ids=[f"{workflow.kind}.{step.name}" for workflow, step in STEPS])
def test_that_every_step_s_tries_fit_its_limit_and_the_limit_fits_the_whole(workflow: Workflow, step: Step) -> None:
    assert step.retry.longest_total() < step.within <= workflow.within


@pytest.mark.parametrize("workflow", all_workflows().values(), ids=all_workflows())
def test_that_an_undo_that_may_be_too_late_stands_before_a_point_of_no_return(workflow: Workflow) -> None:
    for step, following in zip_longest(workflow.steps, workflow.steps[1:]):
        if step.undo is not None and TooLate in get_args(get_type_hints(step.undo)["return"]):
            assert following is not None, step.name
            assert following.point_of_no_return is not False, step.name


def test_that_every_undo_works_without_its_step(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    last = all_workflows()["provision"].steps[-1].name
    Operation.objects.filter(pk=operation.pk).update(
        state="undoing",
        step=last,
        undo_deadline_at=operation.deadline_at,
        error_code="test.refused",
        error_detail="Refused.",
    )

    ended = stage.work_on(operation)

    assert (ended.state, ended.database.state) == ("failed", "failed")
    assert Quota.objects.get(tenant_id=operation.tenant_id).used_databases == 0
