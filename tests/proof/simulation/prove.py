"""The simulation's part of the proof: so many schedules of every profile, so many stateful examples, and every mutant."""

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import django

from tests.proof.report import Number, Result, Scale

if TYPE_CHECKING:
    from tests.proof.simulation.schedules import Theatre

SCHEDULES = {Scale.CI: 1_000, Scale.LONG: 40_000}
EXAMPLES = {Scale.CI: 1_000, Scale.LONG: 10_000}
STEPS = {Scale.CI: 12, Scale.LONG: 100}
PROCESSES = 2
_CHUNK = 100
_MOST_VIOLATIONS = 20
_open = ExitStack()


@dataclass(kw_only=True)
class Part:
    """What one process found in one piece of the work."""

    tried: int = 0
    operations: int = 0
    decisions: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Part") -> None:
        """Count another piece with this one."""
        self.tried += other.tried
        self.operations += other.operations
        self.decisions += other.decisions
        self.faults.update(other.faults)
        self.violations += other.violations


def prove(scale: Scale) -> list[Result]:
    """Play schedules, examples and mutants, in two processes at a time."""
    return [schedules(SCHEDULES[scale]), stateful(scale), mutants()]


def schedules(count: int, *, first: int = 0) -> Result:
    """Play so many schedules, of all profiles in turn."""
    _begin()
    from tests.proof.simulation.profiles import PROFILES

    began = time.monotonic()
    each = -(-count // len(PROFILES))
    pieces = [(name, first + start, min(_CHUNK, each - start)) for start in range(0, each, _CHUNK) for name in PROFILES]
    total = Part()
    for part in _shared_out(_play, pieces):
        total.add(part)
    seconds = time.monotonic() - began
    return Result(
        layer="simulation",
        what=f"schedules of {len(PROFILES)} profiles, {total.operations} operations",
        tried=total.tried,
        faults=dict(+total.faults),
        violations=total.violations[:_MOST_VIOLATIONS],
        numbers=(
            Number(
                what="one schedule, per process",
                measured=seconds * PROCESSES * 1000 / max(total.tried, 1),
                at_most=None,
                unit="ms",
            ),
        ),
        seconds=seconds,
    )


def stateful(scale: Scale) -> Result:
    """Let Hypothesis look for a sequence of events that breaks something."""
    began = time.monotonic()
    total = Part()
    pieces = [(EXAMPLES[scale] // PROCESSES, STEPS[scale], number) for number in range(PROCESSES)]
    for part in _shared_out(_look_for, pieces):
        total.add(part)
    return Result(
        layer="simulation",
        what=f"stateful examples of {STEPS[scale]} steps",
        tried=total.tried,
        faults=dict(+total.faults),
        violations=total.violations,
        seconds=time.monotonic() - began,
    )


def mutants() -> Result:
    """Take every protection out in turn, and see that it is missed."""
    _begin()
    from tests.proof.simulation.mutants import MUTANTS

    began = time.monotonic()
    total = Part()
    for part in _shared_out(_hunt, [(mutant.name,) for mutant in MUTANTS]):
        total.add(part)
    return Result(
        layer="simulation",
        what="mutants, each one protection less",
        tried=total.tried,
        faults=dict(total.faults),
        violations=total.violations,
        seconds=time.monotonic() - began,
    )


def _shared_out(work: Callable[..., Part], pieces: Sequence[tuple[object, ...]]) -> Iterator[Part]:
    """Have the pieces done by processes of their own, and yield what they found as they end."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES, _begin) as pool:
        waiting = [pool.apply_async(work, piece) for piece in pieces]
        for one in waiting:
            yield one.get()


@cache
def _stage() -> "Theatre":
    """Return this process's own theatre, which lasts as long as the process."""
    from tests.proof.simulation.schedules import theatre

    return _open.enter_context(theatre())


def _begin() -> None:
    """Make a fresh process one that knows the product."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dbaas.settings.test")
    django.setup()


def _play(name: str, first: int, count: int) -> Part:
    from tests.proof.simulation.profiles import PROFILES
    from tests.proof.simulation.schedules import play

    part = Part()
    for seed in range(first, first + count):
        outcome = play(_stage(), PROFILES[name], seed)
        part.tried += 1
        part.operations += outcome.operations
        part.decisions += outcome.decisions
        part.faults.update(outcome.suffered)
        if outcome.violation:
            part.violations.append(f"{outcome.name}  {outcome.violation}")
    return part


def _hunt(name: str) -> Part:
    from tests.proof.simulation.hunting import hunt
    from tests.proof.simulation.mutants import MUTANTS

    mutant = next(one for one in MUTANTS if one.name == name)
    found = hunt(_stage(), mutant)
    part = Part(tried=1)
    if found.is_as_it_should_be:
        part.faults[str(found)] = found.schedules
    else:
        part.violations.append(str(found))
    return part


def _look_for(examples: int, steps: int, number: int) -> Part:
    from tests.proof.simulation.stateful import look

    tried, faults, violation = look(_stage(), examples=examples, steps=steps, seed=number)
    return Part(tried=tried, faults=faults, violations=[violation] if violation else [])
