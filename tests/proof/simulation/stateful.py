"""The same world, led by Hypothesis: it chooses what happens next, and looks for the shortest sequence of events that breaks something."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.proof.simulation.agents import Agent, Fate
from tests.proof.simulation.clients import DECISIONS, Request
from tests.proof.simulation.healing import heal
from tests.proof.simulation.profiles import BODIES, SMALL
from tests.proof.simulation.schedules import Theatre
from tests.proof.simulation.world import World

_MOST_AGENTS = 6
_MOST_REQUESTS = 5
_VERBS = ("scale", "restart", "pause", "resume", "backup", "delete", "cancel")
_PLACE = st.integers(min_value=0, max_value=999)


class Machine(RuleBasedStateMachine):
    """The rules; every one of them checks the invariants, as each verb of the world does, and the end heals the world."""

    theatre: Theatre
    faults: Counter[str] = Counter()
    tried = 0

    @initialize(ready=st.integers(min_value=0, max_value=2), chance=st.integers(min_value=0, max_value=2**16))
    def begin(self, ready: int, chance: int) -> None:
        type(self).tried += 1
        # A seed of its own kind: the databases that are ready were made from plain numbers, and their ids must not come again.
        self.world: World = self.theatre.world(ready, random.Random(f"explorer:{chance}"))
        self.world.skew = timedelta(seconds=1)
        self.requests: list[Request] = []
        self._alive = self.world.alive()
        self._alive.__enter__()
        if not ready:
            self._ask("provision", 0)

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            heal(self.world, self.requests)
        finally:
            self._alive.__exit__(None, None, None)
            type(self).faults.update(self.world.suffered + self.world.line.suffered)

    def _ask(self, verb: str, slot: int, body: int = 0) -> None:
        bodies = BODIES.get(verb, ({},))
        content = SMALL if verb == "provision" else bodies[body % len(bodies)]
        request = Request(number=len(self.requests), verb=verb, slot=slot, body=content)
        self.requests.append(request)
        self._run(self.world.ask(request))

    def _run(self, agent: Agent | None, stops: int = 1000) -> None:
        while agent is not None and not agent.dead and stops:
            self.world.go_on(agent)
            stops -= 1

    def _awake(self) -> list[Agent]:
        return [agent for agent in self.world.agents if not agent.is_frozen]

    def _one(self, place: int) -> Agent:
        awake = self._awake()
        return awake[place % len(awake)]

    def _has_room(self) -> bool:
        return len(self.world.agents) < _MOST_AGENTS

    # Customers and people

    @precondition(lambda self: len(self.requests) < _MOST_REQUESTS and self.world.customers.databases)
    @rule(verb=st.sampled_from(_VERBS), place=_PLACE)
    def submit(self, verb: str, place: int) -> None:
        slots = list(self.world.customers.databases)
        self._ask(verb, slots[place % len(slots)], place)

    @precondition(lambda self: len(self.requests) < _MOST_REQUESTS)
    @rule()
    def order(self) -> None:
        self._ask("provision", 10 + len(self.requests))

    @precondition(lambda self: bool(self.requests))
    @rule(place=_PLACE)
    def repeat(self, place: int) -> None:
        request = self.requests[place % len(self.requests)]
        if self.world.customers.can_ask(request):
            self._run(self.world.ask(request))

    @precondition(lambda self: any(row.state == "stuck" for row in self.world.invariants.operations()))
    @rule(decision=st.sampled_from(DECISIONS))
    def decide(self, decision: str) -> None:
        stuck = next(row for row in self.world.invariants.operations() if row.state == "stuck")
        self._run(self.world.decide(decision, stuck.id))

    # Messages

    @precondition(lambda self: self.world.broker.messages and self._has_room())
    @rule(place=_PLACE, stops=st.integers(min_value=0, max_value=45))
    def deliver(self, place: int, stops: int) -> None:
        self._run(self.world.deliver(place % len(self.world.broker.messages)), stops)

    @precondition(lambda self: bool(self.world.broker.messages))
    @rule(place=_PLACE)
    def duplicate(self, place: int) -> None:
        self.world.duplicate(place % len(self.world.broker.messages))

    @precondition(lambda self: bool(self.world.broker.messages))
    @rule(place=_PLACE)
    def drop(self, place: int) -> None:
        self.world.drop(place % len(self.world.broker.messages))

    @precondition(lambda self: self.world.broker.is_down or len(self.world.broker.messages) > 1)
    @rule()
    def switch_broker(self) -> None:
        self.world.switch_broker()

    @rule(skips=st.booleans())
    def tick(self, skips: bool) -> None:
        if skips:
            self.world.skip_to_next()
        self._run(self.world.tick())

    # Agents

    @precondition(lambda self: bool(self._awake()))
    @rule(place=_PLACE, stops=st.sampled_from((1, 2, 5, 10, 1000)))
    def go_on(self, place: int, stops: int) -> None:
        self._run(self._one(place), stops)

    @precondition(lambda self: any(agent.is_calling for agent in self._awake()))
    @rule(place=_PLACE, fate=st.sampled_from(list(Fate)[1:]))
    def mishap(self, place: int, fate: Fate) -> None:
        calling = [agent for agent in self._awake() if agent.is_calling]
        self.world.go_on(calling[place % len(calling)], fate)

    @precondition(lambda self: bool(self._awake()))
    @rule(place=_PLACE)
    def kill(self, place: int) -> None:
        self.world.kill(self._one(place))

    @precondition(lambda self: bool(self._awake()))
    @rule(place=_PLACE, statements=st.integers(min_value=0, max_value=8))
    def kill_inside(self, place: int, statements: int) -> None:
        agent = self._one(place)
        agent.dies_in = statements
        self._run(agent)

    @precondition(lambda self: bool(self._awake()))
    @rule(place=_PLACE)
    def freeze(self, place: int) -> None:
        self.world.freeze(self._one(place))

    @precondition(lambda self: any(agent.is_frozen for agent in self.world.agents))
    @rule(place=_PLACE)
    def thaw(self, place: int) -> None:
        frozen = [agent for agent in self.world.agents if agent.is_frozen]
        self.world.thaw(frozen[place % len(frozen)])

    # The rest of the world

    @rule(seconds=st.sampled_from((0.1, 5, 30, 70, 600)))
    def pass_time(self, seconds: float) -> None:
        self.world.pass_time(timedelta(seconds=seconds))

    @rule(looks=st.integers(min_value=1, max_value=4))
    def operate(self, looks: int) -> None:
        self.world.operate(looks)

    @rule(loses=st.booleans())
    def watch(self, loses: bool) -> None:
        if self._has_room():
            self.world.watch(loses=loses)

    @precondition(lambda self: bool(self.world.line.late))
    @rule(place=_PLACE)
    def arrive(self, place: int) -> None:
        self.world.arrive(self.world.line.late[place % len(self.world.line.late)])

    @rule()
    def reap(self) -> None:
        if self._has_room():
            self._run(self.world.reap())


def look(theatre: Theatre, *, examples: int, steps: int, seed: int) -> tuple[int, Counter[str], str]:
    """Try so many examples, and return how many were tried, what was done to them, and what broke one."""
    machine: Any = with_seed(seed)(type("Seeded", (Machine,), {"theatre": theatre, "faults": Counter(), "tried": 0}))
    how = settings(
        max_examples=examples,
        stateful_step_count=steps,
        derandomize=False,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        report_multiple_bugs=False,
    )
    try:
        run_state_machine_as_test(machine, settings=how)
    except AssertionError as violation:
        notes = "\n".join(getattr(violation, "__notes__", ()))
        return machine.tried, machine.faults, f"{violation}\n{notes}"
    return machine.tried, machine.faults, ""
