"""The calm after a rough time: everything works again, so everything must come to rest by itself, but for what people must decide."""

from collections.abc import Sequence
from datetime import timedelta

from provisioning.states import MOVING
from tests.proof.simulation.agents import Agent
from tests.proof.simulation.clients import DECISIONS, Request
from tests.proof.simulation.ending import check_ending
from tests.proof.simulation.invariants import Row, Violation
from tests.proof.simulation.world import DEFECT, World

_ROUNDS = 150
_RETRIES = 3
"""How often a person lets a stuck operation go on, or gives up on it."""
_ODDS = (6, 3, 1)


def heal(world: World, requests: Sequence[Request]) -> None:
    """Let the world come to rest, and check that it did, in order.

    Raises: Violation.
    """
    world.tell("calm")
    world.skew, world.defects = timedelta(), 0.0
    world.let_begin()
    if world.broker.is_down:
        world.switch_broker()
    stragglers = [agent for agent in world.agents if agent.is_frozen and world.chance.random() < 0.3]
    latecomers = [late for late in world.line.late if world.chance.random() < 0.5]
    _let_on(world, [agent for agent in world.agents if agent not in stragglers])
    for late in [late for late in world.line.late if late not in latecomers]:
        world.arrive(late)
    _come_to_rest(world, requests)
    for late in list(world.line.late):
        world.arrive(late)
    _let_on(world, stragglers)
    _come_to_rest(world, requests)
    _finish(world, world.reap())
    _come_to_rest(world, requests)
    check_ending(world.invariants, world.cluster, requests, explained=_explained(world))


def _explained(world: World) -> list[str]:
    """Return the errors for which an operation may end because of what was done to this world, and to none of the others."""
    causes = {DEFECT: "internal.error", "stuck: skip": "cluster.object_missing"}
    return [code for cause, code in causes.items() if world.suffered[cause]]


def _let_on(world: World, agents: Sequence[Agent]) -> None:
    for agent in agents:
        agent.is_frozen = False
        _finish(world, agent)


def _finish(world: World, agent: Agent | None) -> None:
    while agent is not None and not agent.dead:
        agent.dies_in = None
        world.go_on(agent)


def _come_to_rest(world: World, requests: Sequence[Request]) -> None:
    retries = 0
    for _ in range(_ROUNDS):
        for request in world.open_requests(requests):
            _finish(world, world.ask(request))
        _work(world)
        acted = world.operate(3)
        world.watch(loses=False)
        _let_on(world, world.agents)
        rows = world.invariants.operations()
        moving = [row for row in rows if row.state in MOVING]
        stuck = [row for row in rows if row.state == "stuck"]
        if stuck and not moving and retries < _RETRIES * len(rows):
            retries += 1
            (decision,) = world.chance.choices(DECISIONS, _ODDS)
            _finish(world, world.decide(decision, stuck[0].id))
        elif not moving and not world.broker.messages and not acted and not world.open_requests(requests):
            return
        elif not world.broker.messages:
            world.skip_to_next()
    raise Violation(f"comes to rest: after {_ROUNDS} calm rounds {_told(moving or rows)}")


def _work(world: World) -> None:
    if not world.broker.messages:
        _finish(world, world.tick())
    while world.broker.messages:
        _finish(world, world.deliver(0))


def _told(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row.kind} is {row.state} at {row.step}" for row in rows)
