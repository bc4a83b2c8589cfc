"""What a proof found, and the table that it prints: how much was tried, what was done to it, what held, and which numbers were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Scale(StrEnum):
    """How much is tried."""

    CI = "ci"
    """Minutes, on two cores: every change is proved with it."""
    LONG = "long"
    """An hour and more: before a release."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A promised figure and what was measured."""

    what: str
    measured: float
    at_most: float | None
    """None: shown, not promised."""
    unit: str

    @property
    def holds(self) -> bool:
        """Tell whether the promise was kept."""
        return self.at_most is None or self.measured <= self.at_most


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one part of the proof came to."""

    layer: str
    """Such as `simulation`, `crash points`, `real processes`, `races`."""
    what: str
    """What was tried, in a few words."""
    tried: int
    """Cases, schedules or operations."""
    faults: Mapping[str, int] = field(default_factory=dict)
    """What was done to them, and how often: `kill`, `freeze`, `duplicate`, ..."""
    violations: Sequence[str] = ()
    """Each with what is needed to see it again: a seed, a test id."""
    numbers: Sequence[Number] = ()
    seconds: float = 0.0
    skipped: str = ""
    """Why it was not tried at all, in one sentence."""

    @property
    def holds(self) -> bool:
        """Tell whether nothing was violated and every number was reached."""
        return not self.violations and all(number.holds for number in self.numbers)


def table(results: Sequence[Result]) -> str:
    """Return the whole table as text."""
    lines = [f"{'layer':<16} {'what':<44} {'tried':>8} {'violations':>10} {'seconds':>8}"]
    for result in results:
        lines += _lines_of(result)
    held = all(result.holds for result in results)
    skipped = sum(bool(result.skipped) for result in results)
    missed = all(not result.violations for result in results)
    end = (
        "every invariant held"
        if held
        else ("every invariant held, NUMBERS WERE MISSED" if missed else "VIOLATIONS WERE FOUND")
    )
    tail = f", {skipped} skipped" if skipped else ""
    return "\n".join([*lines, "", f"proof: {end} ({sum(result.tried for result in results)} tried{tail})"])


def _lines_of(result: Result) -> list[str]:
    head = f"{result.layer:<16} {result.what:<44}"
    if result.skipped:
        return [f"{head} skipped: {result.skipped}"]
    lines = [f"{head} {result.tried:>8} {len(result.violations):>10} {result.seconds:>8.1f}"]
    if result.faults:
        told = ", ".join(f"{name} {count}" for name, count in sorted(result.faults.items()))
        lines.append(f"{'':<16}   faults: {told}")
    for number in result.numbers:
        promise = f" (at most {number.at_most:g})" if number.at_most is not None else ""
        mark = "" if number.holds else "  BROKEN"
        lines.append(f"{'':<16}   {number.what}: {number.measured:.3g} {number.unit}{promise}{mark}")
    lines += [f"{'':<16}   VIOLATED: {violation}" for violation in result.violations[:20]]
    return lines
