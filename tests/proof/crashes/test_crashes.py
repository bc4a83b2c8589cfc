"""Every crash point of every operation in every scene, forward and back: whatever is struck, everything must come out as if nothing had been.

A scene is set up once; each case puts everything back and strikes elsewhere. `PROOF_SCALE` (ci or long) asks for all of
them and says how many pairs of crashes there are beside; `PROOF_CASE` picks cases by a part of their name.
"""

import os
import random
from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from accounts.models import User
from provisioning.operations import all_workflows
from tests.proof.crashes.checks import check_crashed, check_end, check_removal, digest
from tests.proof.crashes.play import Fault, Play, Position, Trigger, Way, at, faults_at, positions_in
from tests.proof.crashes.record import Record, is_proof, pairs_wanted, share
from tests.proof.crashes.world import World, world
from tests.provisioning.operations.scenes import SCENES, Ordered, begin

ONLY = os.environ.get("PROOF_CASE", "")
PLAYS = [
    (number, way) for number, scene in enumerate(SCENES) for way in Way if way is Way.FORWARD or scene.cancelled_in
]
NAMES = [f"{SCENES[number].kind}-{number}-{way}" for number, way in PLAYS]

Strikes = Sequence[tuple[Trigger, Fault]]


class Rehearsal:
    """One scene, set up once, to be played over and over."""

    def __init__(self, number: int, way: Way, alice: User, ordered: Ordered, on: World) -> None:
        self.scene, self.way = SCENES[number], way
        self.name = f"{self.scene.kind}-{number}-{way}"
        self._alice, self._world = alice, on
        self._operation = begin(self.scene, alice, ordered, on.stage)
        self._before = on.now()
        self._removed: set[bytes] = set()
        self.trace: list[str] = []
        check_end(on, self.scene, way, self._play().run(passed=self.trace))

    def _play(self) -> Play:
        self._world.back_to(self._before)
        return Play(self._world.stage, self.scene, self.way, self._operation)

    @property
    def positions(self) -> list[Position]:
        """Return where it can be struck."""
        return positions_in(self.trace, self.scene, self.way)

    @property
    def cases(self) -> list[tuple[Position, Fault]]:
        """Return what is to be tried: everything, or in an ordinary run of the tests one death at each of the steps' own points."""
        if is_proof():
            return [(position, fault) for position in self.positions for fault in faults_at(position)][:: share()]
        first = {position.point: position for position in reversed(self.positions)}
        return [(first[point], Fault.KILL) for point in first if point.startswith(self.scene.kind)]

    def play(self, strikes: Strikes) -> list[Fault]:
        """Play it with these strikes, check everything, and return what really struck.

        Deleting comes last, and only where what is left differs from all that was deleted before: the same again would end the same.
        """
        play = self._play()
        ended = play.run(strikes)
        assert play.struck, "it was not struck at all"
        check_end(self._world, self.scene, self.way, ended)
        check_crashed(play, ended)
        left = digest(self._world)
        if left not in self._removed:
            check_removal(self._world, self._alice)
            self._removed.add(left)
        return play.struck


@pytest.fixture
def on(transactional_db: None) -> Iterator[World]:
    """A world of one's own."""
    del transactional_db
    with world() as made:
        yield made


@pytest.mark.parametrize(("number", "way"), PLAYS, ids=NAMES)
def test_that_a_worker_may_die_or_freeze_at_any_point(
    number: int, way: Way, alice: User, ordered: Ordered, on: World
) -> None:
    rehearsal, record = Rehearsal(number, way, alice, ordered, on), Record("crash points")

    for position, fault in rehearsal.cases:
        name = f"{rehearsal.name} {position} {fault}"
        if ONLY in name:
            record.attempt(name, partial(rehearsal.play, [(at(position), fault)]))
    record.write()

    assert not record.violations


@pytest.mark.parametrize("number", range(len(SCENES)), ids=[f"{scene.kind}-{n}" for n, scene in enumerate(SCENES)])
def test_that_a_second_worker_may_die_or_freeze_while_it_recovers(
    number: int, alice: User, ordered: Ordered, on: World
) -> None:
    record = Record("pairs of crashes")
    ways = [way for way in Way if way is Way.FORWARD or SCENES[number].cancelled_in]
    start, wanted = on.now(), pairs_wanted(number, len(SCENES))

    for way in ways:
        on.back_to(start)
        rehearsal = Rehearsal(number, way, alice, ordered, on)
        for seed in range(wanted[0], wanted[1]):
            name = f"{rehearsal.name} seed {seed}"
            if seed % len(ways) == ways.index(way) and ONLY in name:
                strikes = pair(rehearsal, random.Random(f"{rehearsal.name} {seed}"))
                record.attempt(name, partial(rehearsal.play, strikes))
    record.write()

    assert not record.violations


def pair(rehearsal: Rehearsal, chance: random.Random) -> Strikes:
    """Choose where to strike first, and how many crash points later again."""
    faults = list(Fault)
    left = chance.randint(1, 12)

    def strikes_again(_name: str) -> bool:
        nonlocal left
        left -= 1
        return left == 0

    first = at(chance.choice(rehearsal.positions))
    return [(first, chance.choice(faults)), (strikes_again, chance.choice(faults))]


def test_that_some_scene_reaches_every_step_and_every_undo(alice: User, ordered: Ordered, on: World) -> None:
    start = on.now()
    reached: set[str] = set()

    for number, way in PLAYS:
        on.back_to(start)
        reached |= set(Rehearsal(number, way, alice, ordered, on).trace)

    steps = [(workflow.kind, step) for workflow in all_workflows().values() for step in workflow.steps]
    wanted = {f"{kind}.{step.name}.{moment}" for kind, step in steps for moment in ("before", "after")}
    wanted |= {
        f"{kind}.{step.name}.undo.{moment}" for kind, step in steps if step.undo for moment in ("before", "after")
    }
    assert sorted(wanted - reached) == []


def test_that_every_operation_has_a_scene() -> None:
    assert {scene.kind for scene in SCENES} == set(all_workflows())
