"""That a workflow is declared in the order in which it is written, and that mistakes in it fail at import."""

import random
from datetime import timedelta

import pytest

from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, UNDOING, Retry, Wait, Workflow


def a_workflow() -> Workflow:
    return Workflow(
        "paint",
        title="Painting",
        status="painting",
        starts_from=frozenset({DatabaseState.READY}),
        on_success=DatabaseState.READY,
        on_undone=None,
        within=timedelta(hours=1),
    )


def test_that_steps_keep_the_order_in_which_they_are_written() -> None:
    workflow = a_workflow()

    @workflow.step(retry=CLUSTER_CALL)
    def sand(_run: object) -> None:
        """Sand the wall."""

    @workflow.step(retry=PATIENT)
    def wait_until_dry(_run: object) -> Wait | None:
        """Wait until it is dry.

        More for engineers.
        """
        return None

    assert [step.name for step in workflow.steps] == ["sand", "wait_until_dry"]
    assert [step.sentence for step in workflow.steps] == ["Sand the wall.", "Wait until it is dry."]
    assert workflow.index("wait_until_dry") == 1


def test_that_a_step_stays_an_ordinary_function() -> None:
    workflow = a_workflow()

    @workflow.step(retry=CLUSTER_CALL)
    def mix(run: list[str]) -> None:
        """Mix the colours."""
        run.append("mixed")

    done: list[str] = []
    mix(done)

    assert done == ["mixed"]


def test_that_an_undo_stands_with_its_step() -> None:
    workflow = a_workflow()

    @workflow.step(retry=CLUSTER_CALL)
    def paint(_run: object) -> None:
        """Paint the wall."""

    @workflow.undo(paint)
    def scrape(_run: object) -> None:
        """Scrape the paint off."""

    assert workflow.steps[0].undo is scrape


def test_that_a_step_without_a_sentence_is_refused() -> None:
    workflow = a_workflow()

    def silent(_run: object) -> None: ...

    with pytest.raises(ValueError, match="silent needs a docstring"):
        workflow.step(retry=CLUSTER_CALL)(silent)


def test_that_two_steps_of_one_name_are_refused() -> None:
    workflow = a_workflow()

    def paint(_run: object) -> None:
        """Paint the wall."""

    workflow.step(retry=CLUSTER_CALL)(paint)

    with pytest.raises(ValueError, match="has a step paint already"):
        workflow.step(retry=CLUSTER_CALL)(paint)


def test_that_an_undo_of_an_unknown_step_is_refused() -> None:
    workflow = a_workflow()

    def paint(_run: object) -> None:
        """Paint the wall."""

    with pytest.raises(ValueError, match="has no step paint"):
        workflow.undo(paint)(paint)


def test_that_an_unknown_step_has_no_place() -> None:
    with pytest.raises(KeyError):
        a_workflow().index("varnish")


def test_that_everything_from_the_point_of_no_return_on_is_past_it() -> None:
    workflow = a_workflow()

    @workflow.step(retry=CLUSTER_CALL)
    def sand(_run: object) -> None:
        """Sand the wall."""

    @workflow.step(retry=CLUSTER_CALL, point_of_no_return=True)
    def demolish(_run: object) -> None:
        """Take the wall down."""

    @workflow.step(retry=CLUSTER_CALL)
    def sweep(_run: object) -> None:
        """Sweep up."""

    past = {name: workflow.is_past_return(name, {}) for name in ("sand", "demolish", "sweep", "unheard_of", None)}

    assert past == {"sand": False, "demolish": True, "sweep": True, "unheard_of": False, None: False}


def test_that_pauses_double_under_their_ceiling() -> None:
    retry = Retry(attempts=5, first_pause=timedelta(seconds=2), longest_pause=timedelta(seconds=7))

    class Loudest(random.Random):
        def random(self) -> float:
            return 1.0

    pauses = [retry.pause(attempt, Loudest()).total_seconds() for attempt in (1, 2, 3, 4)]

    assert pauses == [2, 4, 7, 7]
    assert retry.longest_total() == timedelta(seconds=20)


@pytest.mark.parametrize(("attempts", "attempt", "used_up"), [(3, 2, False), (3, 3, True), (None, 10_000, False)])
def test_that_attempts_are_used_up_at_their_number(attempts: int | None, attempt: int, used_up: bool) -> None:
    retry = Retry(attempts=attempts, first_pause=timedelta(seconds=1), longest_pause=timedelta(seconds=1))

    assert retry.is_used_up(attempt) is used_up


@pytest.mark.parametrize("policy", [CLUSTER_CALL, PATIENT, UNDOING])
def test_that_a_pause_is_never_longer_than_its_ceiling(policy: Retry) -> None:
    jitter = random.Random(7)

    pauses = [policy.pause(attempt, jitter) for attempt in range(1, 200)]

    assert max(pauses) <= policy.longest_pause


def test_that_a_point_of_no_return_may_depend_on_what_was_asked_for() -> None:
    workflow = a_workflow()

    @workflow.step(retry=CLUSTER_CALL, point_of_no_return=lambda params: bool(params["thoroughly"]))
    def sand(_run: object) -> None:
        """Sand the wall."""

    @workflow.step(retry=CLUSTER_CALL)
    def paint(_run: object) -> None:
        """Paint the wall."""

    @workflow.step(retry=CLUSTER_CALL, point_of_no_return=True)
    def varnish(_run: object) -> None:
        """Varnish it."""

    past = {
        thoroughly: [workflow.is_past_return(step.name, {"thoroughly": thoroughly}) for step in workflow.steps]
        for thoroughly in (True, False)
    }

    assert past == {True: [True, True, True], False: [False, False, True]}
