"""What lies between the product and the rest: the line to the cluster, and the queue. Both lose, repeat and delay, as the scheduler wants."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import in_transaction
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import READ_SECONDS, Gateway, Reach
from provisioning.cluster.errors import CalledInTransaction, ClusterUnavailable, error_from
from provisioning.engine import Body
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulation.agents import Agent, Fate, acting

READ_TIMEOUT = timedelta(seconds=READ_SECONDS)
UNDER_WAY_FOR = timedelta(seconds=60)
"""How long a request may be under way before it takes effect: an API server ends each one after 60 s, its default."""
MESSAGE_LIVES = timedelta(seconds=60)


@dataclass(kw_only=True)
class Late:
    """A request that its sender has given up, and that is still under way."""

    verb: str
    path: str
    how: dict[str, Any]
    sender: str
    arrives_by: float
    """By the world's monotonic clock."""


class Line(Gateway):
    """The product's way to the cluster."""

    def __init__(self, cluster: SimulatedCluster, on_call: Callable[[Agent, str, str, Body], None]) -> None:
        super().__init__(Reach(), is_in_transaction=in_transaction)
        self.late: list[Late] = []
        self.suffered: Counter[str] = Counter()
        self._cluster = cluster
        self._on_call = on_call

    def arrive(self, late: Late) -> None:
        """Let a delayed request have its effect; nobody waits for the answer."""
        self.late.remove(late)
        try:
            self._cluster._json(late.verb, late.path, action="a late request", **late.how)
        except (Permanent, Transient):
            return

    def _json(self, verb: str, path: str, *, action: str, **how: Any) -> Body:
        agent = acting()
        if agent is None:
            return self._cluster._json(verb, path, action=action, **how)
        if in_transaction():
            raise CalledInTransaction(f"{action}: {CalledInTransaction.__doc__}")
        self._on_call(agent, verb, path, how)
        fate = agent.stop(f"{verb} {path.rpartition('/')[2]}", is_calling=True, is_writing=verb != "GET")
        if fate is not Fate.GOES_ON:
            self.suffered[fate.value] += 1
        self._fail_before(fate, agent, verb, path, action, how)
        answer = self._answer(agent, verb, path, action, how)
        if fate is Fate.ANSWER_LOST:
            raise ClusterUnavailable(f"{action}: no answer (simulated).")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _fail_before(self, fate: Fate, agent: Agent, verb: str, path: str, action: str, how: dict[str, Any]) -> None:
        if fate is Fate.BUSY:
            raise _refusal(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": "2"}, action)
        if fate is Fate.BROKEN:
            raise _refusal(HTTPStatus.INTERNAL_SERVER_ERROR, {}, action)
        if fate is Fate.DELAYED and verb != "GET":
            sent: dict[str, Any] = orjson.loads(orjson.dumps(how))
            arrives_by = SYSTEM_CLOCK.monotonic() + UNDER_WAY_FOR.total_seconds()
            self.late.append(Late(verb=verb, path=path, how=sent, sender=agent.name, arrives_by=arrives_by))
        if fate in (Fate.LOST, Fate.DELAYED):
            raise ClusterUnavailable(f"{action}: no answer (simulated).")

    def _answer(self, agent: Agent, verb: str, path: str, action: str, how: dict[str, Any]) -> Body | Exception:
        """Have the effect; a writer may be interrupted before it learns of it."""
        answer: Body | Exception
        try:
            answer = self._cluster._json(verb, path, action=action, **how)
        except (Permanent, Transient) as error:
            answer = error
        if verb != "GET":
            agent.stop(f"{verb} {path.rpartition('/')[2]} had its effect")
        return answer


def _refusal(code: HTTPStatus, headers: dict[str, str], action: str) -> Exception:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.value, "message": "simulated"}
    return error_from(code.value, code.phrase, orjson.dumps(status), headers, action)


class BrokerDown(ConnectionError):
    """The simulated broker refuses messages."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """A nudge that carries an id."""

    operation_id: UUID
    expires_at: datetime


class Broker:
    """The queue: it keeps no order, and nothing for ever."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.is_down = False
        self.refused = 0

    def publish(self, operation_id: UUID) -> None:
        """Take a message."""
        agent = acting()
        if agent is not None:
            agent.risk("publishing")
        if self.is_down:
            self.refused += 1
            raise BrokerDown
        self.messages.append(Message(operation_id=operation_id, expires_at=SYSTEM_CLOCK.now() + MESSAGE_LIVES))

    def take(self, place: int) -> UUID | None:
        """Hand a message out; None where it was too old."""
        message = self.messages.pop(place)
        return message.operation_id if message.expires_at > SYSTEM_CLOCK.now() else None
