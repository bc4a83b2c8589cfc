"""Play a scene in which workers die or freeze: at which points, in which ways, and how the others go on meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from dbaas.core.crash import CrashPointReached, armed
from dbaas.core.db import in_transaction
from provisioning.lease import CLOCK_SKEW, LEASE
from provisioning.models import Operation
from provisioning.states import MOVING
from tests.provisioning.operations.scenes import Cancel, Scene
from tests.provisioning.stage import Stage

LEASE_IS_OVER = LEASE + CLOCK_SKEW * 2
ROUNDS = 80
"""The longest scene takes 30 turns undisturbed."""


class Way(StrEnum):
    """Where the operation goes."""

    FORWARD = "forward"
    BACK = "back"
    """It is cancelled in the scene's last step in which that comes in time."""


class Fault(StrEnum):
    """What becomes of the worker."""

    KILL = "kill"
    FREEZE = "freeze"
    """It stands still past its lease; another one takes the operation over and goes one tick; then it goes on."""
    FREEZE_LONG = "long freeze"
    """As above, but the operation has ended when it goes on."""


@dataclass(frozen=True, kw_only=True)
class Position:
    """One passing of a crash point in an undisturbed play."""

    point: str
    nth: int
    step: str
    """The step that was on when it was passed; empty before the first."""

    def __str__(self) -> str:
        return f"{self.point}#{self.nth}"


def faults_at(position: Position) -> list[Fault]:
    """Return what can happen to a worker there: inside a transaction, where this one process can do nothing else meanwhile, only death."""
    return [Fault.KILL] if position.point == "advance.before_commit" else list(Fault)


Trigger = Callable[[str], bool]
"""From the name of a crash point that is passed to whether it strikes now."""


def at(position: Position) -> Trigger:
    """Strike at that passing."""
    left = position.nth

    def strikes(name: str) -> bool:
        nonlocal left
        left -= name == position.point
        return name == position.point and left == 0

    return strikes


class Play:
    """One scene, once."""

    def __init__(self, stage: Stage, scene: Scene, way: Way, operation: Operation) -> None:
        self.stage = stage
        self.operation = operation
        self.struck: list[Fault] = []
        """What really happened to workers, in order."""
        self._back = Cancel(operation, scene) if way is Way.BACK else None
        self._strikes: list[tuple[Trigger, Fault]] = []
        stage.operator.begins = way is Way.FORWARD

    def run(self, strikes: Sequence[tuple[Trigger, Fault]] = (), *, passed: list[str] | None = None) -> Operation:
        """Play it to its end and return the operation; each strike happens once, the next only after the one before it.

        Names of all crash points that are passed are added to `passed`.
        """
        self._strikes = list(strikes)

        def meet(name: str) -> None:
            if passed is not None:
                passed.append(name)
            if self._back is not None:
                self._back(name)
            self._strike_at(name)

        with armed(meet):
            self._go_on()
        self.stage.operator.begins = True
        return self.stage.look(self.operation)

    def _strike_at(self, name: str) -> None:
        if not self._strikes or not self._strikes[0][0](name):
            return
        _, fault = self._strikes.pop(0)
        if in_transaction():
            fault = Fault.KILL  # nobody else could work meanwhile in this one process
        self.struck.append(fault)
        if fault is Fault.KILL:
            raise CrashPointReached
        self.stage.clock.forward(LEASE_IS_OVER)
        if fault is Fault.FREEZE_LONG:
            self._go_on()
        else:
            self._tick()

    def _go_on(self) -> None:
        for _ in range(ROUNDS):
            now = self.stage.look(self.operation)
            if now.state not in MOVING:
                return
            self.stage.is_due(now)
            self._tick()
        raise AssertionError(f"it is still {now.state} at {now.step}: {now.waiting_for}")

    def _tick(self) -> None:
        """Let a worker and the operator have their turn; where the worker dies, its lease runs out first."""
        try:
            self.stage.work(self.operation)
        except CrashPointReached:
            self.stage.clock.forward(LEASE_IS_OVER)
        else:
            self.stage.operator.act(self.stage.look(self.operation).database)


def positions_in(trace: Sequence[str], scene: Scene, way: Way) -> list[Position]:
    """Return every passing in the trace that may be told from the others: of each point in each step, the first and the last.

    On the way back only what comes after the cancel counts, since what came before is the way forward.
    """
    passings: dict[tuple[str, str], list[Position]] = {}
    step, counted = "", dict.fromkeys(trace, 0)
    cancel, looks = f"{scene.kind}.{scene.cancelled_in}.after", scene.look
    is_on = way is Way.FORWARD
    for name in trace:
        counted[name] += 1
        if name.startswith(f"{scene.kind}.") and name.endswith(".before"):
            step = name.removesuffix(".before")
        if is_on:
            position = Position(point=name, nth=counted[name], step=step)
            passings.setdefault((step, name), []).append(position)
        is_on = is_on or (name == cancel and counted[name] == looks)
    return [position for each in passings.values() for position in dict.fromkeys((each[0], each[-1]))]
