"""The one place that says what happens when a step is done, waits, fails or breaks: from where an operation stands to what is saved next.

`Transient` -> the same step again after a pause. `Permanent`, attempts used up, a limit passed or a cancel -> undo backwards, unless past the
point of no return: then the operation finishes or becomes stuck. Anything else that is raised is our bug: stuck, and nothing is undone
automatically, because deleting a customer's database over a bug of ours is worse than calling a person.

It neither saves nor claims: `provisioning.advance` does, with what this file returns.
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from dbaas.core.crash import crash_point
from dbaas.core.errors import Permanent, Transient
from dbaas.core.redaction import redact
from provisioning.states import OperationState
from provisioning.workflow.declare import UNDOING, Fail, Retry, Step, TooLate, Wait, Workflow
from provisioning.workflow.position import Happening, Move, Position

logger = logging.getLogger(__name__)

LOST_WORKERS_LIMIT = 5
"""A step during which five workers in a row were lost kills them: a person must look before it takes more."""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Drives one workflow by one step at a time."""

    workflow: Workflow
    jitter: random.Random
    poll_interval: Callable[[timedelta], timedelta]
    """How long to wait until the next look, from how long the step has waited; depends on whether the watcher is alive."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """The operation's."""
    ends_worker: tuple[type[Exception], ...] = ()
    """Errors that say that this worker cannot go on (its time is up, the metadata database is gone), not that the step is wrong: they pass
    through, nothing is saved, and the next worker takes the step again."""

    def take(self, position: Position, run: Any, now: Callable[[], datetime]) -> Move:
        """Carry out the one step or undo that is due, and return what to save.

        Without a saved step it may have begun all the same, if a worker was lost before its first save: a cancel then undoes the first step.
        """
        if position.step is not None:
            return self._take(position, run, now)
        if position.cancel_requested and position.attempt <= 1:
            told = f"{self.workflow.title} was cancelled before it began."
            ended = Happening(event="cancelled", step="", message=told)
            final = replace(position, state=OperationState.CANCELLED)
            return Move(position=final, again_in=timedelta(), happenings=(ended,))
        first = self.workflow.steps[0]
        entered = _enter(replace(position, state=OperationState.RUNNING), first, now())
        if position.lost_workers >= LOST_WORKERS_LIMIT:
            return self._killer(replace(entered, lost_workers=position.lost_workers))
        move = self._take(entered, run, now)
        return replace(move, happenings=(_started(first), *move.happenings))

    def _take(self, position: Position, run: Any, now: Callable[[], datetime]) -> Move:
        step = self.workflow.find(position.step or "")
        if step is None:
            detail = f"This release has no step {position.step!r} in {self.workflow.kind}."
            return self._stuck(position, "operation.unknown_step", detail)
        if position.lost_workers >= LOST_WORKERS_LIMIT:
            return self._killer(position)
        if position.state is OperationState.UNDOING:
            return self._undo(step, position, run, now)
        if position.cancel_requested and not self.workflow.is_past_return(step.name, self.params):
            return self._turn_back(position, now(), code="", detail="Cancelled on request.")
        return self._do(step, position, run, now)

    def _do(self, step: Step, position: Position, run: Any, now: Callable[[], datetime]) -> Move:
        try:
            crash_point(f"{self.workflow.kind}.{step.name}.before")
            waits = step.function(run)
            crash_point(f"{self.workflow.kind}.{step.name}.after")
        except self.ends_worker:
            raise
        except Transient as error:
            return self._try_again(step.retry, position, error, now())
        except Permanent as error:
            return self._turn_back(position, now(), code=error.code, detail=error.detail)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is our bug: the operation stops here, loudly
            return self._broken(position, error)
        if isinstance(waits, Fail):
            return self._fail(position, waits)
        if waits is not None:
            return self._wait(position, waits, now())
        return self._go_on(step, position, now())

    def _fail(self, position: Position, why: Fail) -> Move:
        detail = redact(why.detail)
        ended = Happening(event="failed", step=position.step or "", message=f"{self.workflow.title} failed: {detail}")
        final = replace(position, state=OperationState.FAILED, error_code=why.code, error_detail=detail)
        return Move(position=final, again_in=timedelta(), happenings=(ended,))

    def _go_on(self, step: Step, position: Position, now: datetime) -> Move:
        done = Happening(event="done", step=step.name, message=step.sentence)
        place = self.workflow.index(step.name) + 1
        if place < len(self.workflow.steps):
            following = self.workflow.steps[place]
            entered = _enter(replace(position, state=OperationState.RUNNING), following, now)
            return Move(position=entered, again_in=timedelta(), happenings=(done, _started(following)))
        ended = Happening(event="succeeded", step=step.name, message=f"{self.workflow.title} succeeded.")
        final = replace(position, state=OperationState.SUCCEEDED, error_code="", error_detail="")
        return Move(position=final, again_in=timedelta(), happenings=(done, ended))

    def _wait(self, position: Position, waits: Wait, now: datetime) -> Move:
        late = self._lateness(position, now)
        if late:
            return self._turn_back(position, now, code=late, detail=f"Not done in time. Last seen: {waits.reason}")
        waited = now - (position.step_started_at or now)
        pause = waits.again_in if waits.again_in is not None else self.poll_interval(waited)
        state = OperationState.UNDOING if position.state is OperationState.UNDOING else OperationState.WAITING
        happening = Happening(event="waiting", step=position.step or "", message=redact(waits.reason))
        return Move(
            position=replace(position, state=state, attempt=0, lost_workers=0),
            again_in=max(pause, timedelta(milliseconds=1)),
            happenings=(happening,),
            waiting_for=redact(waits.reason),
            done=min(max(waits.done, 0.0), 1.0),
        )

    def _try_again(self, retry: Retry, position: Position, error: Transient, now: datetime) -> Move:
        if not error.counts_as_try:
            return self._sit_out(retry, position, error, now)
        late = self._lateness(position, now)
        if late or retry.is_used_up(position.attempt):
            return self._give_up(position, now, code=late or error.code, detail=error.detail)
        pause = max(
            retry.pause(position.attempt, self.jitter), error.retry_after or timedelta(), timedelta(milliseconds=1)
        )
        happening = Happening(
            event="retried",
            step=position.step or "",
            message=redact(f"{error.detail} Trying again in {pause.total_seconds():.1f} s."),
        )
        kept = replace(position, lost_workers=0)
        return Move(position=kept, again_in=pause, happenings=(happening,), waiting_for=redact(error.detail))

    def _sit_out(self, retry: Retry, position: Position, error: Transient, now: datetime) -> Move:
        """Wait for the outside world to come back: no try is used up, and a step's own limit does not end it."""
        undoing = position.state is OperationState.UNDOING
        limit = position.undo_deadline_at if undoing else position.deadline_at
        if limit is not None and now >= limit:
            code = "operation.undo_deadline_passed" if undoing else "operation.deadline_passed"
            return self._give_up(position, now, code=code, detail=error.detail)
        pause = max(retry.pause(2, self.jitter), error.retry_after or timedelta(), timedelta(milliseconds=1))
        return Move(
            position=replace(
                position, state=position.state if undoing else OperationState.WAITING, attempt=0, lost_workers=0
            ),
            again_in=pause,
            happenings=(Happening(event="waiting", step=position.step or "", message=redact(error.detail)),),
            waiting_for=redact(error.detail),
        )

    def _give_up(self, position: Position, now: datetime, *, code: str, detail: str) -> Move:
        if position.state is OperationState.UNDOING:
            return self._stuck(position, code, f"The undo did not succeed: {detail}")
        return self._turn_back(position, now, code=code, detail=detail)

    def _lateness(self, position: Position, now: datetime) -> str:
        if position.state is OperationState.UNDOING:
            return (
                "operation.undo_deadline_passed"
                if position.undo_deadline_at and now >= position.undo_deadline_at
                else ""
            )
        if now >= position.deadline_at:
            return "operation.deadline_passed"
        return "step.deadline_passed" if position.step_deadline_at and now >= position.step_deadline_at else ""

    def _turn_back(self, position: Position, now: datetime, *, code: str, detail: str) -> Move:
        if position.state is OperationState.UNDOING:
            return self._stuck(position, code, f"The undo was refused: {detail}")
        if self.workflow.is_past_return(position.step, self.params):
            return self._stuck(position, code, f"{detail} This step is past the point of no return.")
        happening = Happening(
            event="turned_back", step=position.step or "", message=redact(f"{detail} Undoing what was done.")
        )
        undoing = replace(
            position,
            state=OperationState.UNDOING,
            attempt=1,
            lost_workers=0,
            step_started_at=now,
            step_deadline_at=None,
            undo_deadline_at=now + self.workflow.undo_within,
            error_code=code,
            error_detail=redact(detail),
        )
        return Move(position=undoing, again_in=timedelta(), happenings=(happening,))

    def _undo(self, step: Step, position: Position, run: Any, now: Callable[[], datetime]) -> Move:
        waits: Wait | TooLate | None = None
        try:
            crash_point(f"{self.workflow.kind}.{step.name}.undo.before")
            waits = step.undo(run) if step.undo else None
            crash_point(f"{self.workflow.kind}.{step.name}.undo.after")
        except self.ends_worker:
            raise
        except Transient as error:
            return self._try_again(UNDOING, position, error, now())
        except Permanent as error:
            return self._stuck(position, error.code, f"The undo was refused: {error.detail}")
        except Exception as error:  # noqa: BLE001 -- as above: our bug
            return self._broken(position, error)
        if isinstance(waits, TooLate):
            return self._go_on_after_all(step, position, waits, now())
        if waits is not None:
            return self._wait(position, waits, now())
        return self._go_back(step, position, now())

    def _go_on_after_all(self, step: Step, position: Position, why: TooLate, now: datetime) -> Move:
        following = self.workflow.steps[self.workflow.index(step.name) + 1]
        if not self.workflow.is_past_return(following.name, self.params):
            return self._broken(position, ValueError(f"{following.name} follows an undo that can be too late"))
        told = Happening(event="too_late", step=step.name, message=redact(why.reason))
        going = replace(position, state=OperationState.RUNNING, undo_deadline_at=None, error_code="", error_detail="")
        return Move(
            position=_enter(going, following, now), again_in=timedelta(), happenings=(told, _started(following))
        )

    def _go_back(self, step: Step, position: Position, now: datetime) -> Move:
        undone = (Happening(event="undone", step=step.name, message=_first_line(step.undo)),) if step.undo else ()
        place = self.workflow.index(step.name)
        if place > 0:
            previous = self.workflow.steps[place - 1]
            back = replace(position, step=previous.name, attempt=1, lost_workers=0, step_started_at=now)
            return Move(position=back, again_in=timedelta(), happenings=undone)
        cancelled = not position.error_code
        state = OperationState.CANCELLED if cancelled else OperationState.FAILED
        word = "was cancelled" if cancelled else f"failed: {position.error_detail}"
        ended = Happening(event=state.value, step=step.name, message=f"{self.workflow.title} {word}")
        return Move(position=replace(position, state=state), again_in=timedelta(), happenings=(*undone, ended))

    def _broken(self, position: Position, error: Exception) -> Move:
        logger.error("%s broke at %s", self.workflow.kind, position.step, exc_info=error)
        return self._stuck(
            position, "internal.error", f"A defect in this product stopped the operation ({type(error).__name__})."
        )

    def _killer(self, position: Position) -> Move:
        detail = f"{position.lost_workers} workers in a row were lost at this step."
        return self._stuck(position, "operation.workers_lost", detail)

    def _stuck(self, position: Position, code: str, detail: str) -> Move:
        happening = Happening(
            event="stuck", step=position.step or "", message=redact(f"{detail} An operator must decide.")
        )
        final = replace(position, state=OperationState.STUCK, error_code=code, error_detail=redact(detail))
        return Move(position=final, again_in=timedelta(), happenings=(happening,))


def _enter(position: Position, step: Step, now: datetime) -> Position:
    return replace(
        position,
        step=step.name,
        attempt=1,
        lost_workers=0,
        step_started_at=now,
        step_deadline_at=now + step.within,
    )


def _started(step: Step) -> Happening:
    return Happening(event="started", step=step.name, message=step.sentence)


def _first_line(function: Callable[..., Any] | None) -> str:
    return (function.__doc__ or "").strip().split("\n")[0] if function else ""
