"""What must hold after every commit of a simulated world, whatever was done to it; `ending.py` has what must hold once it came to rest.

It reads the tables by plain SQL, and knows of the product only its tables, its states and how long a lease lasts.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from provisioning.cluster.kinds import DATABASE_KINDS
from provisioning.cluster.ownership import FENCE, OPERATION_ID, annotation_of, owner_of
from provisioning.lease import CLOCK_SKEW
from provisioning.models import Operation
from provisioning.states import FINISHED, MOVING, OperationState, may_become
from tenants.quota import RESOURCES
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulated_objects import Change
from tests.proof.simulation.agents import Agent
from tests.proof.simulation.clock import SimulatedClock
from tests.proof.simulation.memory import Memory

_DATABASE_KINDS = frozenset(kind.kind for kind in DATABASE_KINDS)
_LAST_WRITE_SECONDS = 38.0
"""Two calls of 10 s and the clocks' skew fit between this and the end of a lease of 60 s."""


class Row(NamedTuple):
    """What is looked at of an operation."""

    id: str
    kind: str
    state: str
    step: str
    lease_token: int
    lease_until: str | None
    wake_seq: int
    event_seq: int
    holds_database: int
    next_run_at: str | None
    dispatch_after: str | None
    database_id: str
    error_code: str
    lost_workers: int
    idempotency_key: str | None


_COLUMNS = ", ".join(f"{name} || ''" if name.endswith(("_at", "_until", "_after")) else name for name in Row._fields)
_OPERATIONS = f"SELECT {_COLUMNS} FROM provisioning_operation ORDER BY id"  # noqa: S608 -- our own names
_RESERVED = ", ".join(f"COALESCE(SUM(reserved_{name}), 0)" for name in RESOURCES)
_SUMS = f"SELECT {_RESERVED} FROM provisioning_database"  # noqa: S608 -- our own names
_QUOTA = f"SELECT {', '.join(f'used_{name}, max_{name}' for name in RESOURCES)} FROM tenants_quota"  # noqa: S608 -- our own names
_LINES = (
    "SELECT seq, event, lease_token FROM provisioning_operationevent WHERE operation_id = ? AND seq > ? ORDER BY seq"
)


class Violation(AssertionError):
    """An invariant does not hold."""


class Invariants:
    """Compares what is with what was, and with what must be."""

    def __init__(self, memory: Memory, cluster: SimulatedCluster, clock: SimulatedClock) -> None:
        self._memory, self._cluster, self._clock = memory, cluster, clock
        self._before: dict[str, Row] = {}
        self._line_token: dict[str, int] = {}
        self._ended: set[str] = set()
        self._read_history = 0
        self._made: dict[tuple[UUID, str], str] = {}
        self.noticed = ""

    def begin(self) -> None:
        """Take what is there now for given."""
        self._read_history = len(self._cluster.history)
        for change in self._cluster.history:
            self._count_uids(change)
        self._before = {row.id: row for row in self.operations()}
        self._ended = {row.id for row in self._before.values() if row.state in FINISHED}

    def operations(self) -> list[Row]:
        """Return the operations as they are committed, oldest first."""
        return [Row(*columns) for columns in self._memory.read(_OPERATIONS)]

    def due_at(self, row: Row) -> datetime | None:
        """Return when a worker may take the operation on; None where it does not move."""
        if row.state not in MOVING or row.next_run_at is None:
            return None
        moments = [datetime.fromisoformat(row.next_run_at).replace(tzinfo=UTC)]
        if row.lease_until is not None:
            moments.append(datetime.fromisoformat(row.lease_until).replace(tzinfo=UTC) + CLOCK_SKEW)
        if row.dispatch_after is not None:
            moments.append(datetime.fromisoformat(row.dispatch_after).replace(tzinfo=UTC))
        return max(moments)

    def check(self) -> None:
        """Compare with the last look.

        Raises: Violation.
        """
        now = {row.id: row for row in self.operations()}
        if gone := self._before.keys() - now.keys():
            raise Violation(f"operation lost: {sorted(gone)} is no longer there")
        for row in now.values():
            before = self._before.get(row.id)
            if before == row:
                continue
            self._check_state(before, row)
            self._check_lease(before, row)
            if before is None or before.event_seq != row.event_seq:
                self._check_timeline(row, before.event_seq if before else 0)
        self._before = now
        self._check_one_holder(now.values())
        self._check_quota()
        self._check_history()

    def _check_state(self, before: Row | None, row: Row) -> None:
        if before is None or before.state == row.state:
            return
        if before.state in FINISHED:
            raise Violation(f"allowed changes: {row.kind} went on from {before.state} to {row.state}")
        if not may_become(OperationState(before.state), OperationState(row.state)):
            raise Violation(f"allowed changes: {row.kind} went from {before.state} to {row.state}")

    def _check_lease(self, before: Row | None, row: Row) -> None:
        if before is None or before.lease_token == row.lease_token:
            return
        if row.lease_token < before.lease_token:
            raise Violation(f"lease tokens rise: {row.kind} went from {before.lease_token} to {row.lease_token}")
        free_from = before.lease_until
        if free_from is not None and free_from > _stored(self._clock, -CLOCK_SKEW / 2):
            raise Violation(f"one holder of a lease: {row.kind} was taken while it was leased until {free_from}")

    def _check_timeline(self, row: Row, known: int) -> None:
        lines = self._memory.read(_LINES, row.id, known)
        if [seq for seq, _, _ in lines] != list(range(known + 1, row.event_seq + 1)):
            raise Violation(f"timeline contiguous: {row.kind} has lines {lines} after {known}, {row.event_seq} counted")
        if row.id in self._ended:
            raise Violation(f"nothing after the end: {row.kind} has lines {lines} after its end")
        for _, event, token in lines:
            if token and token < self._line_token.get(row.id, 0):
                raise Violation(f"fencing: {row.kind} was written {event!r} under lease {token}, which was lost")
            self._line_token[row.id] = max(token, self._line_token.get(row.id, 0))
        self._check_last_line(row, lines[-1][1])

    def _check_last_line(self, row: Row, event: str) -> None:
        says_end = event in {"succeeded", "failed", "cancelled"}
        if (row.state in FINISHED) != says_end or (says_end and event != row.state):
            raise Violation(f"last line and state agree: {row.kind} is {row.state}, its timeline ends with {event}")
        if row.state in FINISHED:
            self._ended.add(row.id)

    def _check_one_holder(self, rows: Any) -> None:
        holders = [row.database_id for row in rows if row.holds_database]
        if len(holders) != len(set(holders)):
            raise Violation("one operation per database: two hold the same one")

    def _check_quota(self) -> None:
        (used,), (held,) = self._memory.read(_QUOTA), self._memory.read(_SUMS)
        for place, name in enumerate(RESOURCES):
            taken, limit = used[2 * place : 2 * place + 2]
            if taken != held[place]:
                raise Violation(f"quota is the sum: {name} {taken} used, databases hold {held[place]}")
            if not 0 <= taken <= limit:
                raise Violation(f"quota within its limit: {name} {taken} of {limit}")

    def _check_history(self) -> None:
        for change in self._cluster.history[self._read_history :]:
            self._count_uids(change)
        self._read_history = len(self._cluster.history)

    def _count_uids(self, change: Change) -> None:
        """Let each database be made once; what a request that came too late makes is the reaper's business."""
        owner, kind = owner_of(change.body), str(change.body.get("kind"))
        if change.verb != "created" or kind not in _DATABASE_KINDS or owner is None or self._is_late(change):
            return
        known = self._made.setdefault((owner, kind), change.uid)
        if known != change.uid:
            raise Violation(f"made once: {kind} of database {owner} was made as {known} and as {change.uid}")

    def _is_late(self, change: Change) -> bool:
        operation = UUID(annotation_of(change.body, OPERATION_ID))
        found = Operation.objects.filter(pk=operation, state__in=[str(state) for state in MOVING]).first()
        return found is None or str(found.fence) != annotation_of(change.body, FENCE)

    def on_call(self, agent: Agent, verb: str, path: str, how: Any) -> None:
        """Look at what a worker is about to send: not so late that its lease may have run out, and nothing that the ledger does not know."""
        if agent.role != "worker" or verb == "GET":
            return
        age = self._clock.monotonic() - (agent.claimed_at or 0.0)
        if age > _LAST_WRITE_SECONDS:
            self._notice(f"lease checked before each write: {verb} {path} began {age:.0f} s after the claim")
        if verb == "POST" and "namespaces/" in path:
            name = how["body"]["metadata"]["name"]
            if not self._memory.read("SELECT 1 FROM provisioning_resource WHERE name = ?", name):
                self._notice(f"ledger first: {how['body']['kind']} {name} is made, and the ledger does not know it")

    def on_crash_point(self, agent: Agent, name: str) -> None:
        """Note when the worker claimed and which wake-ups it knows of; a nap must not forget one."""
        if agent.role != "worker" or agent.operation_id is None:
            return
        if name == "advance.after_claim":
            agent.claimed_at = self._clock.monotonic()
        elif name.endswith(".before"):
            agent.wake_seq = self._wake(agent)[0]
        elif name == "advance.before_commit":
            wake_seq, next_run_at, lease_until = self._wake(agent)
            sleeps = (
                lease_until is None and next_run_at is not None and next_run_at > _stored(self._clock, CLOCK_SKEW / 2)
            )
            if sleeps and agent.wake_seq is not None and wake_seq > agent.wake_seq:
                self._notice(f"no wake-up lost: asleep until {next_run_at} although it was woken meanwhile")

    def _wake(self, agent: Agent) -> tuple[Any, ...]:
        assert agent.operation_id is not None
        sql = "SELECT wake_seq, next_run_at || '', lease_until || '' FROM provisioning_operation WHERE id = ?"
        return self._memory.read(sql, agent.operation_id.hex)[0]

    def on_error(self, agent: Agent) -> None:
        """Judge what ended an agent.

        Raises: Violation — it was no refusal that the product foresees.
        """
        error = agent.broke_with
        if isinstance(error, Violation):
            raise error
        raise Violation(f"nothing breaks: {agent.role} ended with {type(error).__name__}: {error}") from error

    def _notice(self, what: str) -> None:
        """Remember what was seen in the middle of an agent's work, whose own code would swallow an exception."""
        self.noticed = self.noticed or what

    def raise_noticed(self) -> None:
        """Say what was noticed while an agent ran.

        Raises: Violation.
        """
        if self.noticed:
            raise Violation(self.noticed)


def _stored(clock: SimulatedClock, ahead: timedelta) -> str:
    """Return the present moment as the tables hold it, so that texts compare as moments do."""
    return (clock.true + ahead).replace(tzinfo=None).isoformat(sep=" ")
