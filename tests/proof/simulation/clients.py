"""What customers ask for in a simulated world, and what they were told: every request is repeated with its key until it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from dbaas.core.errors import Rejected
from provisioning.models import Database, Operation
from provisioning.operations import all_workflows
from provisioning.orders import Wish
from provisioning.services import control, deciding
from provisioning.services.acceptance import Accepted, Idempotency
from provisioning.services.ordering import Farewell, delete_database, order_database
from provisioning.services.refusals import OperationInProgress
from provisioning.services.requesting import request_operation

DECISIONS = ("retry", "abandon", "skip")
"""What people may decide about an operation that is stuck."""
STEERING = frozenset({"cancel", "retry", "abandon"})
ENOUGH_TRIES = 3
"""A request that was refused so often because something else runs is given up."""


@dataclass(kw_only=True)
class Request:
    """One thing that a customer wants done."""

    number: int
    verb: str
    slot: int
    """Which of the world's databases it is about."""
    body: Mapping[str, Any] = field(default_factory=dict)
    is_patient: bool = False
    """Sent only once nothing else is under way."""
    told: UUID | None = None
    """The operation that it was told of."""
    joined: bool = False
    """It was told of an operation that another request had started."""
    refused: str = ""
    """The code of the last refusal."""
    is_over: bool = False
    tries: int = 0
    broken: list[str] = field(default_factory=list)
    """Answers that contradict an earlier one."""

    @property
    def key(self) -> str:
        """Return its idempotency key."""
        return f"key-{self.number}"

    def __str__(self) -> str:
        return f"request {self.number} ({self.verb} {self.slot})"


@dataclass(kw_only=True)
class Customers:
    """Who asks, for which tenant, and which databases they have by now."""

    actor: Actor
    tenant_id: UUID
    databases: dict[int, UUID] = field(default_factory=dict)

    def can_ask(self, request: Request) -> bool:
        """Tell whether the database that the request is about is known."""
        return request.verb == "provision" or request.slot in self.databases

    def ask(self, request: Request) -> None:
        """Send the request once, and note the answer."""
        request.tries += 1
        was_accepted = request.told is not None
        try:
            answer = self._send(request)
        except Rejected as refusal:
            self._note_refusal(request, refusal, was_accepted=was_accepted)
        else:
            self._note_answer(request, answer)

    def _send(self, request: Request) -> Accepted | None:
        idempotency = Idempotency(key=request.key, fingerprint=f"{request.verb}-{request.number}")
        if request.verb == "provision":
            wish = Wish(name=f"db-{request.number}", **request.body)
            return order_database(self.actor, self.tenant_id, wish, idempotency)
        database_id = self.databases[request.slot]
        if request.verb == "delete":
            return delete_database(self.actor, database_id, idempotency, Farewell(**request.body))
        if request.verb in STEERING:
            self._steer(request.verb, database_id)
            return None
        body = {**_defaults(request.verb), **request.body}
        return request_operation(self.actor, database_id, request.verb, body, idempotency)

    def _steer(self, verb: str, database_id: UUID) -> None:
        active = Database.objects.values_list("active_operation_id", flat=True).get(pk=database_id)
        if active is not None:
            getattr(control, verb)(self.actor, active)

    def _note_refusal(self, request: Request, refusal: Rejected, *, was_accepted: bool) -> None:
        """Take a refusal of what was accepted for a contradiction; one at the same moment may say `again later`."""
        request.refused = refusal.code
        may_be = request.verb in STEERING or request.joined
        may_be = may_be or (isinstance(refusal, OperationInProgress) and not was_accepted)
        if not may_be and self._is_accepted(request):
            request.broken.append(f"{request} was accepted, and its repetition refused with {refusal.code}")
        if not isinstance(refusal, OperationInProgress) or request.tries >= ENOUGH_TRIES:
            request.is_over = True

    def _is_accepted(self, request: Request) -> bool:
        return Operation.objects.filter(tenant_id=self.tenant_id, idempotency_key=request.key).exists()

    def _note_answer(self, request: Request, answer: Accepted | None) -> None:
        request.is_over = True
        if answer is None:
            return
        operation = answer.operation
        request.joined = request.joined or operation.idempotency_key not in (None, request.key)
        if request.told not in (None, operation.id) and not request.joined:
            request.broken.append(f"{request} was told of {request.told} first and then of {operation.id}")
        request.told = operation.id
        if request.verb == "provision":
            self.databases.setdefault(request.slot, operation.database_id)


def decide(actor: Actor, verb: str, operation_id: UUID) -> None:
    """Do what a person decided about a stuck operation."""
    if verb == "retry":
        control.retry(actor, operation_id)
    else:
        getattr(deciding, verb)(Operation.objects.get(pk=operation_id), why="The simulation has it so.")


def _defaults(verb: str) -> dict[str, Any]:
    asked = all_workflows()[verb].request
    assert asked is not None, verb
    return {one.name: one.default for one in asked.fields if one.default is not None}
