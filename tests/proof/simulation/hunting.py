"""The hunt for a mutant: schedules with one protection less, until an invariant sees it that holds for the same seed with the protection."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.proof.simulation.mutants import Mutant, OutOfDate, living
from tests.proof.simulation.profiles import PROFILES, Profile
from tests.proof.simulation.schedules import Theatre, play

MOST_SCHEDULES = 600
"""The rarest of them needs some three hundred; whoever is not caught in this many is as good as not caught."""
EQUIVALENT_SCHEDULES = 40
FIRST_SEED = 5_000


@dataclass(frozen=True, kw_only=True)
class Catch:
    """How the hunt for one mutant ended."""

    mutant: Mutant
    schedules: int
    seed: str = ""
    violation: str = ""

    @property
    def is_as_it_should_be(self) -> bool:
        """Tell whether it was caught, or could not be."""
        return bool(self.seed) != bool(self.mutant.equivalent)

    def __str__(self) -> str:
        if not self.seed:
            why = f" (equivalent: {self.mutant.equivalent})" if self.mutant.equivalent else ""
            return f"{self.mutant.name}: not seen{why} {self.violation}".strip()
        invariant = self.violation.partition(":")[0]
        wrongly = " (thought equivalent)" if self.mutant.equivalent else ""
        return f"{self.mutant.name}{wrongly}: seen by {invariant!r} in {self.seed}"


def hunt(stage: Theatre, mutant: Mutant) -> Catch:
    """Play the schedule in which it was seen last, then others in turn of its profiles, until it is seen."""
    number = 0
    for number, (profile, seed) in enumerate(_places(mutant), start=1):
        try:
            with living(mutant, stage.memory):
                found = play(stage, profile, seed)
        except OutOfDate as error:
            return Catch(mutant=mutant, schedules=number, violation=str(error))
        if found.violation and not play(stage, profile, seed).violation:
            return Catch(mutant=mutant, schedules=number, seed=found.name, violation=found.violation)
    return Catch(mutant=mutant, schedules=number)


def _places(mutant: Mutant) -> Iterator[tuple[Profile, int]]:
    if mutant.seen_in:
        name, _, seed = mutant.seen_in.partition(":")
        yield PROFILES[name], int(seed)
    for number in range(EQUIVALENT_SCHEDULES if mutant.equivalent else MOST_SCHEDULES):
        yield PROFILES[mutant.profiles[number % len(mutant.profiles)]], FIRST_SEED + number
