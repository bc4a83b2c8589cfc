"""One schedule: a seed decides everything that happens to a world of a profile, and the same seed decides the same again."""

import logging
import pickle
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from provisioning.models import Cluster
from provisioning.orders import Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tenants.models import Quota
from tests import cast
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulation.agents import Agent, Fate
from tests.proof.simulation.clients import Customers, Request
from tests.proof.simulation.clock import BEGINNING, SimulatedClock
from tests.proof.simulation.healing import heal
from tests.proof.simulation.invariants import Violation
from tests.proof.simulation.memory import Memory, Rows, memory
from tests.proof.simulation.profiles import SMALL, Profile
from tests.proof.simulation.world import World

_MOST_READY = 2


@dataclass(kw_only=True)
class Beginning:
    """A state in which worlds begin: so many databases are ready."""

    rows: Rows
    cluster: bytes
    at: datetime
    databases: dict[int, UUID]


@dataclass(kw_only=True)
class Outcome:
    """What a schedule came to."""

    profile: str
    seed: int
    violation: str = ""
    suffered: Counter[str] = field(default_factory=Counter)
    decisions: int = 0
    operations: int = 0

    @property
    def name(self) -> str:
        """Return what replays it."""
        return f"{self.profile}:{self.seed}"

    def add(self, other: "Outcome") -> None:
        """Count what another schedule came to with this."""
        self.suffered.update(other.suffered)
        self.decisions += other.decisions
        self.operations += other.operations


class Theatre:
    """Where schedules are played, one after the other: one metadata database, and the states in which worlds begin."""

    def __init__(self, store: Memory) -> None:
        self.memory = store
        self._alice = cast.person("alice")
        self._shop = cast.tenant_of(self._alice)
        Quota.objects.filter(tenant=self._shop).update(
            max_databases=4, max_cpu_millicores=8_000, max_memory_mib=16_384, max_storage_gib=60
        )
        self._registered = Cluster.objects.create(
            name="simulated",
            region="local",
            kubeconfig_path="simulated",
            external_service_type="NodePort",
            node_address="127.0.0.1",
            default_access="internal",
            backup_driver="kubestash",
            backup_namespace="backups",
            backup_storage="storage",
            backup_encryption_secret="storage-key",
            is_tenancy_enforced=False,
        )
        empty = Beginning(
            rows=store.rows(), cluster=pickle.dumps(SimulatedCluster()._objects), at=BEGINNING, databases={}
        )
        self._beginnings = [empty]
        while len(self._beginnings) <= _MOST_READY:
            self._beginnings.append(self._one_more_ready())

    def world(self, ready: int, chance: random.Random, tells: Callable[[str], None] | None = None) -> World:
        """Return a world in which so many databases are ready."""
        beginning = self._beginnings[ready]
        self.memory.become(beginning.rows)
        cluster = SimulatedCluster()
        cluster._objects = pickle.loads(beginning.cluster)  # noqa: S301 -- made above
        customers = Customers(
            actor=cast.acting(self._alice), tenant_id=self._shop.id, databases=dict(beginning.databases)
        )
        return World(
            memory=self.memory,
            cluster=cluster,
            registered=self._registered,
            customers=customers,
            clock=SimulatedClock(beginning.at),
            chance=chance,
            tells=tells,
        )

    def _one_more_ready(self) -> Beginning:
        """Play one provision in calm weather."""
        number = len(self._beginnings) - 1
        world = self.world(number, random.Random(number))
        with world.alive():
            wish = Wish(name=f"ready-{number}", **SMALL)
            accepted = order_database(world.customers.actor, self._shop.id, wish, Idempotency())
            world.customers.databases[number] = accepted.operation.database_id
            heal(world, [])
        return Beginning(
            rows=self.memory.rows(),
            cluster=pickle.dumps(world.cluster._objects),
            at=world.clock.true,
            databases=dict(world.customers.databases),
        )


@contextmanager
def theatre() -> Iterator[Theatre]:
    """Set up a metadata database of one's own, which takes a second, and a place to play schedules in."""
    logging.disable(logging.CRITICAL)
    try:
        with memory() as store:
            yield Theatre(store)
    finally:
        logging.disable(logging.NOTSET)


def play(stage: Theatre, profile: Profile, seed: int, tells: Callable[[str], None] | None = None) -> Outcome:
    """Play the schedule of this seed, and tell what it came to."""
    chance = random.Random(f"{profile.name}:{seed}")
    ready = chance.choice((1, 1, 1, _MOST_READY)) if chance.random() < profile.begins_ready else 0
    ready = min(ready, max(profile.databases))
    world = stage.world(ready, chance, tells)
    outcome = Outcome(profile=profile.name, seed=seed)
    with world.alive():
        schedule = Schedule(world, profile, profile.plan(chance, ready))
        try:
            schedule.run()
            heal(world, schedule.requests)
        except Violation as violation:
            outcome.violation = str(violation)
            world.tell(f"VIOLATION: {violation}")
    outcome.suffered = world.suffered + world.line.suffered
    outcome.suffered["message refused"] = world.broker.refused
    outcome.decisions = world.decisions
    outcome.operations = len(world.invariants.operations())
    return outcome


class Schedule:
    """Decides by chance what happens next in one world."""

    def __init__(self, world: World, profile: Profile, requests: list[Request]) -> None:
        self.world, self.profile, self.requests = world, profile, requests
        self._chance = world.chance
        self._last: Agent | None = None
        self._come = 0
        world.skew, world.defects = profile.skew, profile.defects
        world.operator.begins = self._chance.random() < 0.7
        if self._chance.random() < profile.fails:
            world.operator.fates = {self._chance.choice(_CAN_FAIL): "Failed"}
        if self._chance.random() < 0.5:
            world.beat()

    def run(self) -> None:
        """Play the rough time."""
        for _ in range(self.profile.choices):
            awake = [agent for agent in self.world.agents if not agent.is_frozen]
            if awake and self._chance.random() < 0.9:
                self._go_on(awake)
            elif not self._something_outside():
                return

    def _go_on(self, awake: list[Agent]) -> None:
        agent = self._last if self._last in awake and self._chance.random() < 0.7 else self._chance.choice(awake)
        assert agent is not None
        self._last, profile, lot = agent, self.profile, self._chance.random()
        if lot < profile.kills:
            self.world.kill(agent)
        elif lot < profile.kills + profile.freezes + profile.pauses * agent.is_writing:
            self.world.freeze(agent)
        else:
            if agent.dies_in is None and self._chance.random() < profile.dies_inside / 10:
                agent.dies_in = self._chance.randrange(8)
            self.world.go_on(agent, self._fate(agent) if agent.is_calling else Fate.GOES_ON)

    def _fate(self, agent: Agent) -> Fate:
        lot = self._chance.random()
        if agent.is_writing:
            lot -= self.profile.delays
            if lot < 0:
                return Fate.DELAYED
        for fate, share in self.profile.fates.items():
            lot -= share
            if lot < 0:
                return fate
        return Fate.GOES_ON

    def _something_outside(self) -> bool:
        """Let something happen that no agent does; False where nothing can."""
        if self.world.line.late and self._chance.random() < self.profile.arrivals:
            self._arrive()
            return True
        if self._chance.random() < self.profile.thaws and any(agent.is_frozen for agent in self.world.agents):
            self._thaw()
            return True
        possible = self._possible()
        if not possible:
            return self._skip_to_next()
        names = list(possible)
        (name,) = self._chance.choices(names, [possible[one] for one in names])
        getattr(self, f"_{name}")()
        return True

    def _possible(self) -> dict[str, float]:
        """Return what may happen and how likely each is; nothing where time may as well pass."""
        world, profile = self.world, self.profile
        workers = sum(agent.role == "worker" and not agent.is_frozen for agent in world.agents)
        weights = {
            "deliver": 6.0 * bool(world.broker.messages and workers < profile.workers),
            "ask": 2.0 * bool(self._open()),
            "operate": 2.0 * bool(world.has_news_for_operator()),
            "watch": 2.0 * bool(world.changes()),
        }
        if not any(weights.values()):
            return {}
        weights |= {
            "tick": 0.05,
            "jump": 5 * profile.jumps,
            "repeat": profile.repeats * bool(self._come),
            "switch": 5 * profile.outages,
            "reap": 0.03,
            "correct": 0.1,
            "pass": 0.5,
        }
        return {name: weight for name, weight in weights.items() if weight}

    def _skip_to_next(self) -> bool:
        """Let time pass until something is due, and a dispatcher look; False at rest."""
        world = self.world
        if not world.operator.begins:
            world.let_begin()
            return True
        if not world.skip_to_next():
            return False
        if world.broker.is_down and self._chance.random() < 0.5:
            world.switch_broker()
        world.tick()
        return True

    def _open(self) -> list[Request]:
        """Return the requests that a customer sends now."""
        return self.world.open_requests(self.requests[: self._come + 1])

    # What may happen outside

    def _deliver(self) -> None:
        place = self._chance.randrange(len(self.world.broker.messages))
        lot = self._chance.random()
        if lot < self.profile.drops:
            self.world.drop(place)
            return
        if lot < self.profile.drops + self.profile.duplicates:
            self.world.duplicate(place)
        self.world.deliver(place)

    def _ask(self) -> None:
        request = self._chance.choice(self._open())
        self._come = max(self._come, min(request.number + 1, len(self.requests) - 1))
        self.world.ask(request)

    def _repeat(self) -> None:
        answered = [request for request in self.requests if request.told is not None]
        if answered:
            self.world.suffered["request repeated"] += 1
            self.world.ask(self._chance.choice(answered))

    def _operate(self) -> None:
        self.world.operate(self._chance.choice((1, 1, 2, 4)))

    def _watch(self) -> None:
        self.world.watch(loses=self._chance.random() < self.profile.drops)

    def _arrive(self) -> None:
        self.world.arrive(self._chance.choice(self.world.line.late))

    def _thaw(self) -> None:
        self.world.thaw(self._chance.choice([agent for agent in self.world.agents if agent.is_frozen]))

    def _tick(self) -> None:
        self.world.tick()

    def _jump(self) -> None:
        self.world.suffered["clock jump"] += 1
        self.world.pass_time(self.profile.jump * self._chance.random())

    def _pass(self) -> None:
        self.world.pass_time(timedelta(seconds=self._chance.choice((0.01, 0.1, 1, 5))))

    def _switch(self) -> None:
        self.world.switch_broker()

    def _reap(self) -> None:
        self.world.reap()

    def _correct(self) -> None:
        """Let NTP correct a clock: it may go back."""
        if self.world.agents:
            self.world.correct(self._chance.choice(self.world.agents))


_CAN_FAIL = ("Restart", "VerticalScaling", "VolumeExpansion", "BackupSession")
