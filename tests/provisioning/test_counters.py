"""That what workers do is counted and timed under the labels that dashboards ask for."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from pytest_django import DjangoCaptureOnCommitCallbacks

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning import lease
from provisioning.cluster.client import Reach
from provisioning.cluster.limits import OPENS_AFTER, Breaker
from provisioning.models import Operation
from provisioning.operations import all_workflows
from provisioning.settlement import settle
from provisioning.states import OperationState
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.usefixtures("nowhere")
def test_that_an_operation_that_ends_counts_by_its_outcome(
    ordered: Ordered, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    operation = ordered()
    finished = {"kind": "provision", "engine": "postgres", "outcome": "failed"}
    before = value("dbaas_operations_finished_total", **finished)
    took = value("dbaas_operation_duration_seconds_sum", kind="provision", engine="postgres")

    with django_capture_on_commit_callbacks(execute=True), atomic():
        at = operation.created_at + timedelta(seconds=90)
        settle(operation, all_workflows()["provision"], OperationState.FAILED, at)

    assert value("dbaas_operations_finished_total", **finished) - before == 1
    assert value("dbaas_operation_duration_seconds_sum", kind="provision", engine="postgres") - took == pytest.approx(
        90
    )


@pytest.mark.usefixtures("nowhere")
def test_that_the_wait_for_a_worker_is_timed(ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.filter(pk=operation.pk).update(next_run_at=SYSTEM_CLOCK.now() - timedelta(seconds=40))
    before = value("dbaas_claim_delay_seconds_sum", kind="provision")

    lease.claim(operation.pk, now=SYSTEM_CLOCK.now())

    assert value("dbaas_claim_delay_seconds_sum", kind="provision") - before >= 40


def test_that_steps_and_calls_are_timed(ordered: Ordered, stage: Stage) -> None:
    steps = [step.name for step in all_workflows()["provision"].steps]
    before = [value("dbaas_step_duration_seconds_count", kind="provision", step=step) for step in steps]

    stage.provision(ordered())

    after = [value("dbaas_step_duration_seconds_count", kind="provision", step=step) for step in steps]
    assert [later - earlier for earlier, later in zip(before, after, strict=True)] == [1] * len(steps)
    assert value("dbaas_cluster_call_duration_seconds_count", cluster="pocket", verb="create", status="201") > 0


def test_that_a_cluster_that_does_not_answer_is_shown() -> None:
    breaker = Breaker(cluster="canary")
    for _ in range(OPENS_AFTER):
        breaker.note_silence()
    open_then = value("dbaas_cluster_breaker_open", cluster="canary")

    breaker.note_answer()

    assert (open_then, value("dbaas_cluster_breaker_open", cluster="canary")) == (1, 0)


def test_that_two_names_of_one_place_are_one_place() -> None:
    assert Reach(kubeconfig_path="/a", cluster="one") == Reach(kubeconfig_path="/a", cluster="two")
