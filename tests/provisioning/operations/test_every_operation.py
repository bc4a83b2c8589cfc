"""What every operation must survive, found by looking in the registry: a worker that dies at any point, an undo without its step."""

from collections.abc import Callable

import pytest

from accounts.models import User
from dbaas.core.crash import CrashPointReached, armed
from provisioning.lease import CLOCK_SKEW, LEASE
from provisioning.models import Operation, Resource
from provisioning.operations import all_workflows
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import delete_database
from provisioning.workflow.declare import Step, Workflow
from tenants.models import Quota
from tests import cast
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]

STEPS = [(workflow, step) for workflow in all_workflows().values() for step in workflow.steps]
POINTS = [f"{workflow.kind}.{step.name}.{moment}" for workflow, step in STEPS for moment in ("before", "after")]
SHARED_POINTS = [
    "advance.after_claim",
    "advance.before_commit",
    "advance.after_save",
    "create.after_effect",
    "delete.after_effect",
]


class Trap:
    """Crashes the worker once, at the nth passing of one point."""

    def __init__(self, point: str, nth: int = 1) -> None:
        self.point = point
        self.left = nth
        self.was_sprung = False

    def __call__(self, name: str) -> None:
        if name == self.point and not self.was_sprung:
            self.left -= 1
            if self.left == 0:
                self.was_sprung = True
                raise CrashPointReached


def live(alice: User, ordered: Ordered, stage: Stage) -> tuple[Operation, Operation]:
    """Play a database's whole life, with an operator that reports and serves whenever it can, and return both operations."""
    provision = ordered()
    for _ in range(12):
        now = survive(stage, provision)
        if now.state in ("succeeded", "failed", "stuck"):
            break
        if stage.body(now.database) is not None and now.step == "wait_until_ready":
            if not stage.has_secret(f"{now.database.object_name}-auth", now.database.namespace):
                stage.serve(now.database)
            stage.report(now.database, "Ready")
    deletion = delete_database(cast.acting(alice), provision.database_id, Idempotency()).operation
    for _ in range(12):
        if survive(stage, deletion).state in ("succeeded", "failed", "stuck"):
            break
    return stage.look(provision), stage.look(deletion)


def survive(stage: Stage, operation: Operation) -> Operation:
    """Let a worker work; if it dies, let its lease run out, as the next worker would."""
    now = stage.look(operation)
    if now.next_run_at is not None and now.next_run_at > stage.clock.now():
        stage.clock.forward(now.next_run_at - stage.clock.now())
    try:
        return stage.work(operation)
    except CrashPointReached:
        stage.clock.forward(LEASE + CLOCK_SKEW * 2)
        return stage.look(operation)


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", [*SHARED_POINTS, *POINTS])
def test_that_a_worker_may_die_at_any_point(alice: User, ordered: Ordered, stage: Stage, point: str, nth: int) -> None:
    trap = Trap(point, nth)

    with armed(trap):
        provision, deletion = live(alice, ordered, stage)

    assert (provision.state, deletion.state) == ("succeeded", "succeeded")
    assert trap.was_sprung or nth > 1
    assert stage.body(provision.database) is None
    assert Quota.objects.get(tenant_id=provision.tenant_id).used_databases == 0
    assert not Resource.objects.filter(database=provision.database, is_gone=False).exists()


@pytest.mark.parametrize(("workflow", "step"), STEPS, ids=[f"{workflow.kind}.{step.name}" for workflow, step in STEPS])
def test_that_every_step_explains_itself_to_customers(workflow: Workflow, step: Step) -> None:
    del workflow

    assert step.sentence[0].isupper()
    assert step.sentence.endswith(".")
    assert len(step.sentence) <= 80


@pytest.mark.parametrize(("workflow", "step"), STEPS, ids=[f"{workflow.kind}.{step.name}" for workflow, step in STEPS])
def test_that_every_step_s_tries_fit_its_limit_and_the_limit_fits_the_whole(workflow: Workflow, step: Step) -> None:
    assert step.retry.longest_total() < step.within <= workflow.within


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
