"""What a run of cases came to: handed from the tests, which run in a process of their own for each database, to the proof."""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.proof.crashes.play import Fault

RESULTS = "PROOF_RESULTS"
"""Names the file to which each test adds a line; nothing is written where it is not set."""

SCALE = "PROOF_SCALE"
PAIRS = {"": 34, "ci": 300, "long": 3000}
"""Pairs of crashes in all, by scale: two for each scene in an ordinary run of the tests."""

SHARE = "PROOF_SHARE"
"""Only every so manyth case is tried, and no pairs: for the second database, when there is little time."""


@dataclass(kw_only=True)
class Tally:
    """How much was tried, what struck, and what was violated."""

    tried: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


class Record(Tally):
    """The tally of one test."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def attempt(self, name: str, play: Callable[[], Sequence[Fault]]) -> None:
        """Count a case, and keep what is wrong with it instead of raising it: the others are still to be tried."""
        self.tried += 1
        try:
            self.faults.update(play())
        except Exception as error:  # noqa: BLE001 -- whatever went wrong is a violation, and is told
            why = (str(error) or type(error).__name__).splitlines()[0]
            self.violations.append(f"{name}: {type(error).__name__}: {why[:400]}")

    def write(self) -> None:
        """Add the line, if somebody wants it."""
        write_line(self._what, self)


def write_line(what: str, tally: Tally) -> None:
    """Add a line to the file of results, where there is one."""
    path = os.environ.get(RESULTS)
    if path:
        line = {
            "what": what,
            "tried": tally.tried,
            "faults": dict(tally.faults),
            "violations": tally.violations,
        }
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read(path: Path) -> dict[str, Tally]:
    """Return the sums of all lines, by what was tried."""
    sums: dict[str, Tally] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        found = json.loads(line)
        tally = sums.setdefault(found["what"], Tally())
        tally.tried += found["tried"]
        tally.faults.update(found["faults"])
        tally.violations += found["violations"]
    return sums


def is_proof() -> bool:
    """Tell whether everything is to be tried: an ordinary run of the tests tries one death at each point."""
    return bool(os.environ.get(SCALE))


def share() -> int:
    """Return of how many cases one is to be tried."""
    return int(os.environ.get(SHARE, "1"))


def pairs_wanted(scene: int, scenes: int) -> tuple[int, int]:
    """Return the first seed of the scene's pairs and the one after the last."""
    total = PAIRS[os.environ.get(SCALE, "")] if share() == 1 else 0
    return total * scene // scenes, total * (scene + 1) // scenes
