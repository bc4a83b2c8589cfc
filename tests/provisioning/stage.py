"""A stage for operations: a clock that a test moves, workers that run when told, and the operator's role played by hand over the real API."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.advance import advance
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import NAMESPACE, SECRET, SERVICE, Kind, Ref, kind_of
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Cluster, Database, Operation
from provisioning.states import MOVING
from tests.provisioning.stage_operator import Operator


class StoppedClock:
    """Stands still at the moment of its making, cut to the millisecond."""

    def __init__(self) -> None:
        self._now = SYSTEM_CLOCK.now()

    def now(self) -> datetime:
        """Return the moment at which it stands."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the epoch: it never goes back, because nobody turns it back."""
        return self._now.timestamp()

    def catch_up(self) -> None:
        """Move on to the real moment, if it is ahead of where it stands: rows are written by the system's own clock too."""
        self._now = max(self._now, SYSTEM_CLOCK.now()) + timedelta(milliseconds=1)

    def forward(self, span: timedelta) -> None:
        """Move on."""
        self._now += span


@dataclass(kw_only=True)
class Stage:
    """What a test of an operation needs at hand."""

    kube: Gateway
    clock: StoppedClock
    cluster: Cluster
    operator: Operator = field(init=False)

    def __post_init__(self) -> None:
        self.operator = Operator(kube=self.kube)

    def work(self, operation: Operation) -> Operation:
        """Let a worker take the operation as far as it goes now, and return its row afterwards."""
        self.clock.catch_up()
        advance(operation.id, clock=self.clock, jitter=random.Random(1))
        return self.look(operation)

    def work_on(self, operation: Operation, *, rounds: int = 60) -> Operation:
        """Let workers take it on whenever it is due, moving the clock, until it rests for good."""
        now = self.look(operation)
        for _ in range(rounds):
            if now.state not in MOVING:
                return now
            self.is_due(now)
            now = self.work(operation)
        raise AssertionError(f"{operation} is still {now.state} at {now.step}: {now.waiting_for}")

    def look(self, operation: Operation) -> Operation:
        """Return the row as it is now."""
        return Operation.objects.select_related("database").get(pk=operation.pk)

    def ref(self, database: Database) -> Ref:
        """Return the address of the database's custom resource."""
        kind = kind_of("kubedb.com/v1", all_engines()[database.engine].kind)
        return Ref(kind=kind, name=database.object_name, namespace=database.namespace)

    def body(self, database: Database) -> Body | None:
        """Return the database's custom resource as it is now."""
        return self.kube.get(self.ref(database))

    def report(self, database: Database, phase: str, message: str = "") -> None:
        """Write a phase into the custom resource's status, as the operator does."""
        found = self.body(database)
        assert found is not None, "nothing to report on"
        condition = {
            "type": "Provisioned",
            "status": "True" if phase == "Ready" else "False",
            "reason": "Test",
            "message": message or f"It is {phase}.",
            "lastTransitionTime": "2026-01-31T12:00:00Z",
        }
        status = {"phase": phase, "observedGeneration": found["metadata"]["generation"], "conditions": [condition]}
        ref = self.ref(database)
        self.kube.merge(
            Ref(kind=_status_of(ref.kind), name=f"{ref.name}/status", namespace=ref.namespace), {"status": status}
        )

    def serve(self, database: Database, *, node_port: int = 0) -> None:
        """Make the primary Service and the auth Secret, as the operator does."""
        self.operator.serve(database, node_port=node_port)

    def play(self, operation: Operation, *, rounds: int = 60) -> Operation:
        """Let workers and the operator take turns, until the operation rests for good."""
        now = self.look(operation)
        for _ in range(rounds):
            now = self.work(operation) if self.is_due(now) else self.look(operation)
            if now.state not in MOVING:
                return now
            self.operator.act(now.database)
        raise AssertionError(f"{operation} is still {now.state} at {now.step}: {now.waiting_for}")

    def is_due(self, operation: Operation) -> bool:
        """Move the clock to when the operation is due, if it ever is."""
        if operation.next_run_at is None:
            return False
        if operation.next_run_at > self.clock.now():
            self.clock.forward(operation.next_run_at - self.clock.now())
        return True

    def provision(self, operation: Operation) -> Operation:
        """Play a provision to its good end."""
        ended = self.play(operation)
        assert ended.state == "succeeded", f"{ended.state}: {ended.error_detail} {ended.waiting_for}"
        return ended

    def node_port(self, database: Database) -> int:
        """Return the port at which the primary Service answers on the node."""
        service = self.kube.get(Ref(kind=SERVICE, name=database.object_name, namespace=database.namespace))
        assert service is not None
        return int(service["spec"]["ports"][0]["nodePort"])

    def has_namespace(self, name: str) -> bool:
        """Tell whether the namespace is there."""
        return self.kube.get(Ref(kind=NAMESPACE, name=name)) is not None

    def has_secret(self, name: str, namespace: str) -> bool:
        """Tell whether the secret is there."""
        return self.kube.get(Ref(kind=SECRET, name=name, namespace=namespace)) is not None


def _status_of(kind: Kind) -> Kind:
    return Kind(api_version=kind.api_version, kind=kind.kind, plural=kind.plural)
