"""How rough a simulated world is: each profile looks for other defects, because no single one sees all of them."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tests.proof.simulation.agents import Fate
from tests.proof.simulation.clients import Request

SMALL = {"engine": "postgres", "plan": "micro"}
BODIES: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "scale": ({"storage_gib": 6}, {"plan": "small"}, {"cpu_millicores": 750, "storage_gib": 7}),
    "delete": ({}, {}, {"keeps_backups": False}, {"takes_final_backup": True}),
}


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How many there are of each thing, and how likely each mishap is."""

    name: str
    databases: tuple[int, ...] = (1, 1, 1, 1, 2)
    requests: tuple[int, ...] = (0, 1, 1, 2)
    """For each database, besides its order."""
    begins_ready: float = 0.75
    """Chance that databases are there from the beginning."""
    verbs: Mapping[str, int] = field(
        default_factory=lambda: {
            "scale": 4,
            "restart": 3,
            "pause": 3,
            "resume": 2,
            "delete": 5,
            "backup": 2,
            "cancel": 3,
        }
    )
    workers: int = 3
    kills: float = 0.004
    """Chance of an agent's death, at each of its stops."""
    freezes: float = 0.004
    thaws: float = 0.15
    dies_inside: float = 0.01
    """Chance of a death inside the agent's next transaction."""
    fates: Mapping[Fate, float] = field(
        default_factory=lambda: {
            Fate.BUSY: 0.01,
            Fate.BROKEN: 0.01,
            Fate.LOST: 0.015,
            Fate.ANSWER_LOST: 0.025,
            Fate.DELAYED: 0.015,
        }
    )
    drops: float = 0.1
    """Chance of a message, or of the watcher's wake-up, to be lost."""
    duplicates: float = 0.1
    outages: float = 0.02
    """Chance of the broker to go down, or to come back, at each choice of what happens outside."""
    repeats: float = 0.15
    """Chance of a customer to send an answered request again."""
    jumps: float = 0.03
    jump: timedelta = timedelta(seconds=90)
    """The longest jump of time."""
    skew: timedelta = timedelta(milliseconds=500)
    """By how much a machine's clock is off at most, either way."""
    fails: float = 0.08
    """Chance that KubeDB fails at what it is asked."""
    choices: int = 400
    """How long the rough time lasts."""

    def plan(self, chance: random.Random, ready: int) -> list[Request]:
        """Return what customers ask for, in the order in which they come to it; the first `ready` databases are there already."""
        slots = range(max(chance.choice(self.databases), ready))
        requests: list[Request] = []
        for slot in slots[ready:]:
            requests.append(Request(number=len(requests), verb="provision", slot=slot, body=SMALL))
        for slot in slots:
            for _ in range(chance.choice(self.requests)):
                (verb,) = chance.choices(list(self.verbs), list(self.verbs.values()))
                body = chance.choice(BODIES.get(verb, ({},)))
                requests.append(Request(number=len(requests), verb=verb, slot=slot, body=body))
        return requests


UNIFORM = Profile(name="uniform")
HOT_KEY = Profile(
    name="hot-key",
    databases=(1,),
    requests=(2, 2, 3, 4),
    begins_ready=0.9,
    verbs={"scale": 5, "delete": 3, "cancel": 5, "pause": 2, "resume": 2, "restart": 2},
)
IN_FLIGHT = replace(
    HOT_KEY,
    name="in-flight",
    requests=(1, 2, 2, 3),
    verbs={"scale": 4, "delete": 3, "cancel": 4, "pause": 4, "resume": 4, "restart": 2},
    kills=0.001,
    freezes=0.008,
    fates={Fate.LOST: 0.01, Fate.ANSWER_LOST: 0.02, Fate.DELAYED: 0.12},
)
CRASHES = Profile(
    name="crash-storm", kills=0.025, dies_inside=0.04, freezes=0.002, fates={Fate.ANSWER_LOST: 0.03, Fate.LOST: 0.01}
)
CLOCKS = Profile(
    name="clock-jumps",
    freezes=0.015,
    jumps=0.25,
    jump=timedelta(minutes=15),
    skew=timedelta(seconds=1),
    kills=0.003,
)

PROFILES = {profile.name: profile for profile in (UNIFORM, HOT_KEY, IN_FLIGHT, CRASHES, CLOCKS)}
