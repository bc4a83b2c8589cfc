"""Where an operation stands, and what is to be saved of a try of its step: the words between the runner and whoever saves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from provisioning.states import OperationState


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where an operation stands when a worker takes it on."""

    state: OperationState
    step: str | None
    attempt: int
    """Tries of this step, this one included."""
    lost_workers: int
    """Workers in a row that took this step on and never came back."""
    step_started_at: datetime | None
    step_deadline_at: datetime | None
    deadline_at: datetime
    undo_deadline_at: datetime | None
    cancel_requested: bool
    error_code: str = ""
    error_detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One line of the timeline: `event` is started, done, waiting, retried, undone, turned_back, too_late, stuck, succeeded, failed or cancelled."""

    event: str
    step: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """What is to be saved: the next position, when to go on, and what to tell."""

    position: Position
    again_in: timedelta
    """Zero: go on at once."""
    happenings: tuple[Happening, ...] = ()
    waiting_for: str = ""
    done: float = 0.0
    """How much of the present step is done, from 0 to 1."""

    @property
    def goes_on_at_once(self) -> bool:
        """Tell whether the worker may take the next step in the same lease."""
        return not self.again_in and self.position.state in (OperationState.RUNNING, OperationState.UNDOING)
