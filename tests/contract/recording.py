"""A gateway that remembers what goes through it, and the steps of every operation taken with it: what the product really sends."""

import time
from dataclasses import dataclass
from typing import Any

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.backups import driver_of
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.kinds import Ref
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.lease import Claim
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.run import Run
from provisioning.services.acceptance import Idempotency
from provisioning.services.requesting import accept
from tests import cast
from tests.provisioning.rows import at_rest


class Recorder(Gateway):
    """The product's own gateway to a real API server, with a record of what was sent and of what came of it."""

    def __init__(self, reach: Reach) -> None:
        """Begin with an empty record."""
        super().__init__(reach)
        self.sent: list[Body] = []
        self.changes: list[tuple[Body, Body]] = []
        """What was asked for, and the object as it was afterwards."""

    def create(self, body: Body) -> Body:
        """Create the object, and remember it."""
        self.sent.append(body)
        return super().create(body)

    def apply(self, body: Body) -> Body:
        """Apply the object, and remember it."""
        self.sent.append(body)
        return super().apply(body)

    def merge(self, ref: Ref, change: Body) -> Body:
        """Change the object, and remember what it has become."""
        after = super().merge(ref, change)
        self.changes.append((change, after))
        return after


@dataclass(kw_only=True)
class Worker:
    """Takes chosen steps of operations on databases, one after the other, without waiting for anything."""

    by: Any
    gateway: Recorder

    def ask(self, database: Database, kind: str, body: dict[str, Any], *steps: str) -> None:
        """Accept an operation of that kind and take these steps of it, then let the database rest in the state before."""
        before = database.state
        operation = accept(cast.acting(self.by), database, all_workflows()[kind], body, Idempotency())
        self.take(operation, *steps)
        at_rest(operation, before)
        database.refresh_from_db()

    def take(self, operation: Operation, *steps: str) -> None:
        """Take these steps of an operation that was accepted."""
        Operation.objects.filter(pk=operation.pk).update(lease_token=1)
        row = Operation.objects.select_related("database__cluster").get(pk=operation.pk)
        claim = Claim(operation=row, token=1, wake_seq=0, claimed_at_monotonic=time.monotonic())
        engine = all_engines()[row.database.engine]
        run = Run(claim=claim, engine=engine, gateway=self.gateway, clock=SYSTEM_CLOCK)
        for name in steps:
            step = all_workflows()[row.kind].find(name)
            assert step is not None, f"{row.kind} has no step {name}"
            step.function(run)

    def let_be_configured(self, database: Database) -> None:
        """Report the backup tool's configuration as taken up, as the tool does."""
        ref = driver_of(database.cluster).configuration_ref(database)
        status = Ref(kind=ref.kind, name=f"{ref.name}/status", namespace=ref.namespace)
        super(Recorder, self.gateway).merge(status, {"status": {"phase": "Ready"}})
