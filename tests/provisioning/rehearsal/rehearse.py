"""An operation whose steps do what a test says; found by looking in this folder, as a new operation of the product would be."""

from collections.abc import Callable
from datetime import timedelta

from provisioning.run import Run
from provisioning.states import DatabaseState
from provisioning.workflow.declare import CLUSTER_CALL, PATIENT, Wait, Workflow

Act = Callable[[Run], Wait | None]

SCRIPT: dict[str, Act] = {}
"""What each step does, by its name; nothing where the name is missing."""

WORKFLOW = Workflow(
    "rehearse",
    title="Rehearsal",
    status="rehearsing",
    starts_from=frozenset({DatabaseState.READY}),
    on_success=DatabaseState.READY,
    on_undone=None,
    within=timedelta(hours=1),
)


@WORKFLOW.step(retry=CLUSTER_CALL)
def first(run: Run) -> Wait | None:
    """Play the first act."""
    return SCRIPT.get("first", _nothing)(run)


@WORKFLOW.undo(first)
def undo_first(run: Run) -> Wait | None:
    """Take the first act back."""
    return SCRIPT.get("undo_first", _nothing)(run)


@WORKFLOW.step(retry=PATIENT, within=timedelta(minutes=50))
def second(run: Run) -> Wait | None:
    """Play the second act."""
    return SCRIPT.get("second", _nothing)(run)


def _nothing(_run: Run) -> Wait | None:
    return None
