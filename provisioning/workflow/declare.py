"""The words in which an operation is written: a `Workflow`, its steps in the order in which they stand, their undos, `Retry` and `Wait`.

The decorators return the function unchanged, so a step stays an ordinary function: a test calls it, "go to definition" finds it.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from provisioning.states import DatabaseState
from provisioning.workflow.request import Request


@dataclass(frozen=True, kw_only=True)
class Retry:
    """What happens after a `Transient` error: how often a step is tried in all, and how the pauses between grow."""

    attempts: int | None
    """None: as often as the step's time limit allows."""
    first_pause: timedelta
    longest_pause: timedelta

    def pause(self, attempt: int, jitter: random.Random) -> timedelta:
        """Return a random pause ("full jitter") below a ceiling that doubles with every attempt."""
        ceiling = min(self.longest_pause, self.first_pause * 2 ** min(attempt - 1, 20))
        share = jitter.random()
        return timedelta(seconds=ceiling.total_seconds() * share)

    def is_used_up(self, attempt: int) -> bool:
        """Tell whether `attempt` was the last one."""
        return self.attempts is not None and attempt >= self.attempts

    def longest_total(self) -> timedelta:
        """Return the sum of all pauses at their longest; zero where only the time limit counts."""
        pauses = range(1, self.attempts or 1)
        return sum((min(self.longest_pause, self.first_pause * 2 ** min(n - 1, 20)) for n in pauses), timedelta())


CLUSTER_CALL = Retry(attempts=8, first_pause=timedelta(seconds=2), longest_pause=timedelta(seconds=60))
"""For steps that change something: eight tries take about three minutes at the most."""

PATIENT = Retry(attempts=None, first_pause=timedelta(seconds=2), longest_pause=timedelta(minutes=5))
"""For steps that wait: an outage of the cluster's API must not undo a database that is well."""

UNDOING = Retry(attempts=10, first_pause=timedelta(seconds=2), longest_pause=timedelta(minutes=5))
"""For every undo: giving up leaves something behind, so it is tried for longer."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Not done yet: look again when the watcher or the slow poll says so. `reason` is shown to the customer."""

    reason: str
    again_in: timedelta | None = None
    """None: the slow poll's own interval."""
    done: float = 0.0
    """How much of the step is done, from 0 to 1, where that can be told: 2 of 3 replicas are 0.67."""


@dataclass(frozen=True, kw_only=True)
class Fail:
    """The step's work ended without success, and there is nothing to take back: the operation ends as failed, even past its point of no return.

    What the world is like now must have been recorded by the step.
    """

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class TooLate:
    """What an undo returns when its step can no longer be taken back: the operation goes on, with a step past its point of no return."""

    reason: str


RunT = TypeVar("RunT", bound=Callable[..., Any])
StepFunction = Callable[[Any], Wait | Fail | None]
UndoFunction = Callable[[Any], Wait | TooLate | None]

Decision = Callable[[Mapping[str, Any]], bool]
"""From the operation's parameters to yes or no: some steps have work to do only with some of them."""

STEP_WITHIN = timedelta(minutes=10)


@dataclass(kw_only=True)
class Step:
    """One step as declared."""

    name: str
    sentence: str
    function: StepFunction
    retry: Retry
    within: timedelta
    point_of_no_return: bool | Decision
    undo: UndoFunction | None = None


class Workflow:
    """The definition of one kind of operation: who may start it, its steps in order, what the database becomes."""

    def __init__(
        self,
        kind: str,
        *,
        title: str,
        status: str,
        starts_from: frozenset[DatabaseState],
        on_success: DatabaseState | None,
        on_undone: DatabaseState | None,
        within: timedelta,
        undo_within: timedelta = timedelta(minutes=30),
        frees_quota_on: frozenset[DatabaseState] = frozenset(),
        request: Request | None = None,
    ) -> None:
        """Declare it: `status` is what the API shows for the database meanwhile; `on_success` and `on_undone` may be None: back to where it was.

        `frees_quota_on` names the end states in which nothing runs any more, so that what was reserved is given back. `request` is how
        customers ask for it at `POST databases/{id}/<verb>`; without one it is asked for in a way of its own.
        """
        self.kind = kind
        self.title = title
        self.status = status
        self.starts_from = starts_from
        self.on_success = on_success
        self.on_undone = on_undone
        self.within = within
        self.undo_within = undo_within
        self.frees_quota_on = frees_quota_on
        self.request = request
        self.steps: list[Step] = []

    def step(
        self, *, retry: Retry, within: timedelta = STEP_WITHIN, point_of_no_return: bool | Decision = False
    ) -> Callable[[RunT], RunT]:
        """Add the function below as the next step; from a point of no return on, the operation only finishes or gets stuck.

        Raises: ValueError — the step has no sentence for the customer, or its name is taken.
        """

        def add(function: RunT) -> RunT:
            sentence = _first_sentence(function)
            if self.find(function.__name__) is not None:
                raise ValueError(f"{self.kind} has a step {function.__name__} already.")
            self.steps.append(
                Step(
                    name=function.__name__,
                    sentence=sentence,
                    function=function,
                    retry=retry,
                    within=within,
                    point_of_no_return=point_of_no_return,
                )
            )
            return function

        return add

    def undo(self, step_function: StepFunction) -> Callable[[RunT], RunT]:
        """Take the function below as what takes `step_function` back; it must cope with a step that never ran, or ran twice."""

        def add(function: RunT) -> RunT:
            step = self.find(step_function.__name__)
            if step is None:
                raise ValueError(f"{self.kind} has no step {step_function.__name__}.")
            _first_sentence(function)
            step.undo = function
            return function

        return add

    def find(self, name: str) -> Step | None:
        """Return the step of that name."""
        return next((step for step in self.steps if step.name == name), None)

    def index(self, name: str) -> int:
        """Return the step's place, counted from 0.

        Raises: KeyError — no such step.
        """
        for place, step in enumerate(self.steps):
            if step.name == name:
                return place
        raise KeyError(name)

    def is_past_return(self, name: str | None, params: Mapping[str, Any]) -> bool:
        """Tell whether an operation with these parameters can no longer be undone at the step of that name."""
        if name is None or self.find(name) is None:
            return False
        return any(_applies(step.point_of_no_return, params) for step in self.steps[: self.index(name) + 1])


def _applies(answer: bool | Decision, params: Mapping[str, Any]) -> bool:
    return answer(params) if callable(answer) else answer


def _first_sentence(function: Callable[..., Any]) -> str:
    sentence = (function.__doc__ or "").strip().split("\n")[0]
    if not sentence:
        raise ValueError(f"{function.__name__} needs a docstring: its first line is what customers see while it runs.")
    return sentence
