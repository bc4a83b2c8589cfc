"""A simulated world: the real product between a simulated clock, queue and cluster, moved one decision at a time.

Whoever decides (a seed, or Hypothesis) calls the verbs below; after each one the invariants are checked. Nothing in here chooses by itself.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.crash import armed
from dbaas.core.errors import Permanent, Transient
from provisioning.advance import advance
from provisioning.cluster.ownership import owner_of
from provisioning.cluster.registry import clusters_reached_by
from provisioning.dispatch import published_by, wake
from provisioning.dispatching import dispatch_due
from provisioning.heartbeats import watcher_of
from provisioning.models import Cluster, Database, Heartbeat
from provisioning.reaper import compare_all_clusters
from provisioning.watching import note_change
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulation.agents import Agent, Fate, acting
from tests.proof.simulation.clients import Customers, Request, decide
from tests.proof.simulation.clock import SimulatedClock, time_and_ids
from tests.proof.simulation.invariants import Invariants
from tests.proof.simulation.memory import Memory
from tests.proof.simulation.network import READ_TIMEOUT, Broker, Late, Line
from tests.provisioning.stage_operator import Operator

_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")
DEFECT = "defect in a step"
_SLOW = (Fate.LOST, Fate.ANSWER_LOST, Fate.DELAYED)


class World:
    """Everything that there is, and the verbs by which it moves."""

    def __init__(
        self,
        *,
        memory: Memory,
        cluster: SimulatedCluster,
        registered: Cluster,
        customers: Customers,
        clock: SimulatedClock,
        chance: random.Random,
        tells: Callable[[str], None] | None = None,
    ) -> None:
        self.memory, self.cluster, self.customers, self.clock = memory, cluster, customers, clock
        self.registered = registered
        self.chance = chance
        self.agents: list[Agent] = []
        self.broker = Broker()
        self.operator = Operator(kube=cluster)
        self.invariants = Invariants(memory, cluster, clock)
        self.line = Line(cluster, self.invariants.on_call)
        self.suffered: Counter[str] = Counter()
        self.skew = timedelta()
        self.defects = 0.0
        """Chance of a step to break on a defect of ours, at each of its ends."""
        self._tells = tells
        self._dirty = False
        self._seen_by_watcher = len(cluster.history)
        self._acted_on: dict[UUID, int] = {}
        self._rows: dict[UUID, Database] = {}
        self._born = 0
        self.decisions = 0

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Let the process be this world inside the block; whoever is left in the end is ended."""
        with ExitStack() as stack:
            stack.enter_context(time_and_ids(self.clock, self.chance))
            stack.enter_context(clusters_reached_by(lambda _reach: self.line))
            stack.enter_context(published_by(self.broker.publish))
            stack.enter_context(armed(self._on_crash_point))
            stack.enter_context(connection.execute_wrapper(self._around_sql))
            self.invariants.begin()
            try:
                yield
            finally:
                for agent in list(self.agents):
                    agent.kill()

    def tell(self, what: str) -> None:
        """Add a line to the trace, if there is one."""
        if self._tells is not None:
            self._tells(f"{self.clock.monotonic():10.3f} {what}")

    # Agents

    def start(self, role: str, name: str, action: Callable[[], object]) -> Agent:
        """Let a new agent begin; it stands at its first stop."""
        self._born += 1
        spread = self.skew.total_seconds()
        skew = timedelta(seconds=round(self.chance.uniform(-spread, spread), 3))
        agent = Agent(role, f"{role} {self._born} ({name})", action, skew=skew)
        self.agents.append(agent)
        self.tell(f"{agent.name} begins")
        self.go_on(agent)
        return agent

    def go_on(self, agent: Agent, fate: Fate = Fate.GOES_ON) -> None:
        """Let it run to its next stop."""
        self.decisions += 1
        if fate in _SLOW:
            self.pass_time(READ_TIMEOUT)
        before = agent.at
        agent.go_on(fate)
        self._after(agent, before, "" if fate is Fate.GOES_ON else f" [{fate}]")

    def kill(self, agent: Agent) -> None:
        """End it where it stands."""
        self.suffered["kill"] += 1
        before = agent.at
        agent.kill()
        self._after(agent, before, " [killed]")

    def freeze(self, agent: Agent) -> None:
        """Leave it standing."""
        self.suffered["freeze"] += 1
        agent.is_frozen = True
        self.tell(f"{agent.name} freezes at {agent.at}")

    def thaw(self, agent: Agent) -> None:
        """Let it go on later like the others."""
        agent.is_frozen = False
        self.tell(f"{agent.name} thaws at {agent.at}")

    def _after(self, agent: Agent, before: str, how: str) -> None:
        self.tell(f"{agent.name}: {before} -> {'ends' if agent.dead else agent.at}{how}")
        if agent.dead:
            self.agents.remove(agent)
            if agent.was_killed and not how:
                self.suffered["kill in a transaction"] += 1
                self.tell(f"{agent.name} died inside a transaction at {agent.at}")
            if agent.was_killed:
                connection.run_commit_hooks_on_set_autocommit_on = False
            if agent.broke_with is not None:
                self.invariants.on_error(agent)
        self.invariants.raise_noticed()
        if self._dirty:
            self._dirty = False
            self.invariants.check()

    def _around_sql(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        agent = acting()
        if agent is not None:
            if connection.in_atomic_block:
                agent.risk(_short(sql))
            else:
                agent.stop(_short(sql))
        if sql.startswith(_WRITES):
            self._dirty = True
        return execute(sql, params, many, context)

    def _on_crash_point(self, name: str) -> None:
        agent = acting()
        if agent is None:
            return
        self.invariants.on_crash_point(agent, name)
        if (
            self.defects
            and agent.role == "worker"
            and not name.startswith("advance.")
            and self.chance.random() < self.defects
        ):
            self.suffered[DEFECT] += 1
            raise ValueError("This step is broken.")
        if connection.in_atomic_block:
            agent.risk(name)
        else:
            agent.stop(name)

    # Messages and workers

    def deliver(self, place: int) -> Agent | None:
        """Hand a message to a worker."""
        operation_id = self.broker.take(place)
        if operation_id is None:
            self.suffered["message too old"] += 1
            return None
        jitter = random.Random(self.chance.random())
        worker = self.start("worker", str(operation_id)[-12:], lambda: advance(operation_id, jitter=jitter))
        worker.operation_id = operation_id
        return worker

    def drop(self, place: int) -> None:
        """Lose a message."""
        self.suffered["message lost"] += 1
        del self.broker.messages[place]

    def duplicate(self, place: int) -> None:
        """Have a message twice."""
        self.suffered["message twice"] += 1
        self.broker.messages.append(self.broker.messages[place])

    def switch_broker(self) -> None:
        """Stop the broker, which forgets everything, or start it again."""
        self.broker.is_down = not self.broker.is_down
        if self.broker.is_down:
            self.suffered["broker lost"] += 1
            self.broker.messages.clear()
        self.tell(f"the broker is {'down' if self.broker.is_down else 'up'}")

    def tick(self) -> Agent:
        """Let a dispatcher look once."""
        return self.start("dispatcher", "tick", lambda: dispatch_due(now=SYSTEM_CLOCK.now(), send=wake))

    # The cluster

    def operate(self, looks: int = 1) -> bool:
        """Let KubeDB look so often, and go one step ahead each time wherever something changed; False where nothing did."""
        began = len(self.cluster.history)
        for identifier in self.customers.databases.values():
            for _ in range(looks):
                version = len(self.cluster.history)
                if self._acted_on.get(identifier) == version:
                    break
                with suppress(
                    Permanent, Transient, AssertionError
                ):  # what it was at has gone meanwhile: it looks again
                    self.operator.act(self._database(identifier))
                self._acted_on[identifier] = version
        acted = len(self.cluster.history) != began
        if acted:
            self.tell("KubeDB acts")
        return acted

    def _database(self, identifier: UUID) -> Database:
        """Return the row with what never changes of it; the rest may be old."""
        if identifier not in self._rows:
            self._rows[identifier] = Database.objects.get(pk=identifier)
        return self._rows[identifier]

    def let_begin(self) -> None:
        """Let KubeDB begin with whatever it has left waiting."""
        self.operator.begins = True
        self._acted_on.clear()

    def has_news_for_operator(self) -> bool:
        """Tell whether something changed since KubeDB looked."""
        version = len(self.cluster.history)
        return any(self._acted_on.get(known) != version for known in self.customers.databases.values())

    def changes(self) -> int:
        """Return how many changes the watcher has not seen."""
        return len(self.cluster.history) - self._seen_by_watcher

    def watch(self, *, loses: bool) -> None:
        """Let the watcher take the latest changes, or lose them."""
        fresh = self.cluster.history[self._seen_by_watcher :]
        self._seen_by_watcher = len(self.cluster.history)
        latest = {owner: change for change in fresh if (owner := owner_of(change.body)) is not None}
        for owner, change in latest.items():
            if loses:
                self.suffered["wake-up lost"] += 1
                continue
            body = None if change.verb == "deleted" else change.body
            note = partial(note_change, owner, body)
            self.start("watcher", change.path.rpartition("/")[2], note)

    def beat(self) -> None:
        """Let the watcher show that it lives."""
        Heartbeat.beat(watcher_of(self.registered), now=self.clock.now())

    def arrive(self, late: Late) -> None:
        """Let a delayed request have its effect now."""
        self.tell(f"late: {late.verb} {late.path.rpartition('/')[2]} of {late.sender}")
        self.line.arrive(late)

    def reap(self) -> Agent:
        """Let the reaper compare the cluster with the rows."""
        return self.start("reaper", "look", compare_all_clusters)

    # Customers

    def ask(self, request: Request) -> Agent:
        """Let a customer send a request, for the first time or again."""
        return self.start("customer", str(request), lambda: self.customers.ask(request))

    def open_requests(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests without an answer that their customers send now; patient ones wait for what is under way."""
        found = [request for request in requests if not request.is_over and self.customers.can_ask(request)]
        return [request for request in found if not request.is_patient or not self._is_early(request, requests)]

    def _is_early(self, request: Request, requests: Sequence[Request]) -> bool:
        before = [one for one in requests if one.slot == request.slot and one.number < request.number]
        if request.verb == "cancel":
            return not self._is_busy(request) and not all(one.is_over for one in before)
        return self._is_busy(request) or not all(one.is_over or one.verb == "cancel" for one in before)

    def _is_busy(self, request: Request) -> bool:
        database_id = self.customers.databases.get(request.slot)
        sql = "SELECT 1 FROM provisioning_database WHERE id = ? AND active_operation_id IS NOT NULL"
        return database_id is not None and bool(self.memory.read(sql, database_id.hex))

    def decide(self, verb: str, operation_id: str) -> Agent:
        """Let a person decide about a stuck operation."""
        self.suffered[f"stuck: {verb}"] += 1
        return self.start("person", verb, lambda: decide(self.customers.actor, verb, UUID(operation_id)))

    # Time

    def pass_time(self, span: timedelta) -> None:
        """Let time pass; what is under way arrives in time."""
        ends = self.clock.monotonic() + span.total_seconds()
        for late in sorted(self.line.late, key=lambda one: one.arrives_by):
            if late.arrives_by <= ends:
                self.clock.forward(timedelta(seconds=max(late.arrives_by - self.clock.monotonic(), 0)))
                self.arrive(late)
        self.clock.forward(timedelta(seconds=max(ends - self.clock.monotonic(), 0)))

    def skip_to_next(self) -> bool:
        """Let time pass until an operation is due; False where none will ever be."""
        due = [moment for row in self.invariants.operations() if (moment := self.invariants.due_at(row)) is not None]
        if not due:
            return False
        self.pass_time(max(min(due) - self.clock.true, timedelta()) + timedelta(seconds=1))
        return True

    def correct(self, agent: Agent) -> None:
        """Let NTP correct the clock of the agent's machine."""
        spread = self.skew.total_seconds()
        agent.skew = timedelta(seconds=round(self.chance.uniform(-spread, spread), 3))
        self.suffered["clock corrected"] += 1


def _short(sql: str) -> str:
    """Return the statement's verb and table."""
    words = sql.replace('"', "").split(" ")
    return (
        f"{words[0]} {words[words.index('FROM') + 1]}"
        if words[0] == "SELECT"
        else " ".join(words[: 1 + 2 * (words[0] in _WRITES)])
    )
