"""How rough a simulated world is: each profile looks for other defects, because no single one sees all of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.proof.simulation.agents import Fate
from tests.proof.simulation.clients import Request

SMALL: Mapping[str, Any] = {"engine": "postgres", "plan": "micro"}
BODIES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "scale": ({"storage_gib": 6}, {"plan": "small"}, {"cpu_millicores": 750, "storage_gib": 7}),
    "delete": ({}, {}, {"keeps_backups": False}, {"takes_final_backup": True}),
}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How many there are of each thing, and how likely each mishap is."""

    name: str
    databases: tuple[int, ...] = (1, 1, 1, 1, 2)
    stories: tuple[tuple[str, ...], ...] = (
        (),
        ("scale",),
        ("restart",),
        ("delete",),
        ("backup",),
        ("cancel",),
        ("scale", "cancel"),
        ("scale", "delete"),
        ("pause", "resume"),
        ("pause", "delete"),
        ("backup", "delete"),
        ("restart", "cancel"),
        ("delete", "scale"),
    )
    """What is asked of one database, besides its order."""
    impatience: float = 0.3
    """Chance of a customer to ask for the next thing before the last one is done."""
    begins_ready: float = 0.85
    """Chance that databases are there from the beginning."""
    workers: int = 3
    kills: float = 0.004
    """Chance of an agent's death, at each of its stops."""
    freezes: float = 0.004
    pauses: float = 0.01
    """Chance of a worker to be frozen right before a request that changes something, which it then sends when it thaws."""
    thaws: float = 0.04
    dies_inside: float = 0.01
    """Chance of a death inside the agent's next transaction."""
    fates: Mapping[Fate, float] = field(
        default_factory=lambda: {
            Fate.BUSY: 0.01,
            Fate.BROKEN: 0.01,
            Fate.LOST: 0.015,
            Fate.ANSWER_LOST: 0.025,
        }
    )
    delays: float = 0.03
    """Chance of a request that changes something to be delayed in the network, beyond the patience of its sender."""
    arrivals: float = 0.1
    """Chance of a delayed request to arrive, at each choice of what happens outside."""
    drops: float = 0.1
    """Chance of a message, or of the watcher's wake-up, to be lost."""
    duplicates: float = 0.1
    outages: float = 0.008
    """Chance of the broker to go down, or to come back, at each choice of what happens outside."""
    repeats: float = 0.06
    """Chance of a customer to send an answered request again."""
    jumps: float = 0.03
    jump: timedelta = timedelta(seconds=90)
    """The longest jump of time."""
    skew: timedelta = timedelta(milliseconds=500)
    """By how much a machine's clock is off at most, either way."""
    fails: float = 0.08
    """Chance that KubeDB fails at what it is asked."""
    defects: float = 0.0
    """Chance of a step to break, before or after its effect, on a defect of ours: the operation is stuck, and people decide."""
    choices: int = 400
    """How long the rough time lasts."""

    def plan(self, chance: random.Random, ready: int) -> list[Request]:
        """Return what customers ask for, in the order in which they come to it; the first `ready` databases are there already."""
        slots = range(max(chance.choice(self.databases), ready))
        requests: list[Request] = []
        for slot in slots[ready:]:
            requests.append(Request(number=len(requests), verb="provision", slot=slot, body=SMALL))
        for slot in slots:
            for verb in chance.choice(self.stories):
                body = chance.choice(BODIES.get(verb, ({},)))
                patient = chance.random() >= self.impatience
                request = Request(number=len(requests), verb=verb, slot=slot, body=body, is_patient=patient)
                requests.append(request)
        return requests


UNIFORM = Profile(name="uniform")
HOT_KEY = Profile(
    name="hot-key",
    databases=(1,),
    stories=(
        ("scale", "cancel", "scale"),
        ("scale", "delete"),
        ("cancel", "delete"),
        ("pause", "resume", "cancel"),
        ("pause", "cancel", "scale"),
        ("restart", "delete", "cancel"),
        ("backup", "delete", "delete"),
        ("scale", "scale", "restart"),
        ("cancel", "scale"),
        ("delete", "restart"),
    ),
    impatience=0.6,
    begins_ready=0.85,
)
IN_FLIGHT = Profile(
    name="in-flight",
    databases=(1,),
    stories=(
        ("pause", "resume"),
        ("pause", "resume", "delete"),
        ("pause", "cancel"),
        ("scale", "cancel"),
        ("scale", "scale"),
        ("restart", "cancel"),
        ("scale", "delete"),
        ("cancel",),
    ),
    impatience=0.15,
    begins_ready=0.75,
    pauses=0.05,
    kills=0.001,
    freezes=0.006,
    fates={Fate.ANSWER_LOST: 0.02},
    delays=0.3,
    arrivals=0.02,
    repeats=0.05,
)
CRASHES = Profile(
    name="crash-storm", kills=0.025, dies_inside=0.04, freezes=0.002, fates={Fate.ANSWER_LOST: 0.03, Fate.LOST: 0.01}
)
CLOCKS = Profile(
    name="clock-jumps",
    freezes=0.015,
    pauses=0.05,
    delays=0.06,
    jumps=0.25,
    jump=timedelta(minutes=15),
    skew=timedelta(seconds=1),
    kills=0.003,
)
CROWD = Profile(
    name="crowd",
    databases=(4, 5),
    stories=((), (), ("delete",)),
    begins_ready=1.0,
    workers=2,
    kills=0.008,
)

STUCK = Profile(
    name="stuck",
    databases=(1,),
    stories=(
        ("scale",),
        ("scale", "delete"),
        ("restart", "scale"),
        ("pause", "resume"),
        ("backup", "delete"),
        ("delete",),
        ("scale", "cancel"),
    ),
    defects=0.08,
    kills=0.002,
)

PROFILES = {profile.name: profile for profile in (UNIFORM, HOT_KEY, IN_FLIGHT, CRASHES, CLOCKS, CROWD, STUCK)}
