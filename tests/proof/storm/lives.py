"""What customers of a storm do with their databases: order one, change it, think better of it, delete it, often before the last wish is done."""

import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus

from tests.proof.storm.customers import Customer, Json, NobodyAnswers

_SIMULATED = ("mysql", "mongodb", "elasticsearch")
_REAL = ("postgres", "redis")
_REAL_SHARE = 0.04
"""Real servers cost memory and a second of processor time each."""
_TWICE_SHARE = 0.15
_CANCEL_SHARE = 0.15
_HASTY_DELETE_SHARE = 0.1
_RIVAL_SHARE = 0.15
_FINAL_DELETE_SHARE = 0.5
_LOOKS_EVERY_SECONDS = (2.0, 5.0)
_AT_REST = frozenset({"ready", "paused", "failed", "deleted"})


class Tickets:
    """How many operations may still be started, by all lives together."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Use one up; False where none is left."""
        with self._lock:
            if self._left == 0:
                return False
            self._left -= 1
            return True

    def give_back(self) -> None:
        """Let somebody else have it: the request was refused."""
        with self._lock:
            self._left += 1

    @property
    def left(self) -> int:
        """Return how many are left."""
        return self._left


@dataclass
class Life:
    """One database from its order on, as its customer sees it."""

    customer: Customer
    name: str
    chance: random.Random
    tickets: Tickets
    is_over: Callable[[], bool]
    """Whether nobody waits any more: what is not done by then is looked at when all is over."""
    database: str = ""
    grown_gib: int = field(default=0)

    def live(self) -> None:
        """Go through it; whoever gets no answer any more gives up."""
        try:
            self._live()
        except NobodyAnswers as error:
            self.customer.ledger.note_surprise(f"{self.name}: nobody answered {error}")

    def _live(self) -> None:
        operation = self._order()
        if operation is None:
            return
        self.database = operation["database"]["id"]
        if self._chance(_HASTY_DELETE_SHARE):
            self._sleep(0.0, 3.0)
            self._delete()
            return
        self._see_through(operation)
        for _ in range(self.chance.randint(1, 4)):
            if not self._change():
                break
        if self._chance(_FINAL_DELETE_SHARE):
            self._delete()

    def _order(self) -> Json | None:
        engine = self.chance.choice(_REAL if self._chance(_REAL_SHARE) else _SIMULATED)
        body = {
            "tenant": self.customer.tenant["id"],
            "name": self.name,
            "engine": engine,
            "plan": "micro" if engine in _REAL else "small",
        }
        return self._start("POST", "databases", body)

    def _delete(self) -> None:
        kept = self.chance.choice(("keep", "delete"))
        self._start("DELETE", f"databases/{self.database}?backups={kept}")

    def _change(self) -> bool:
        """Ask for one change and see it through; False where there is nothing to be changed any more."""
        status = self._status()
        if status in ("failed", "deleted", "") or self.is_over():
            return False
        verb, body = self._wish(status)
        operation = self._start("POST", f"databases/{self.database}/{verb}", body)
        if operation is None:
            return self.tickets.left > 0
        if self._chance(_RIVAL_SHARE):
            self._start("POST", f"databases/{self.database}/restart")
        self._see_through(operation)
        return True

    def _wish(self, status: str) -> tuple[str, Json | None]:
        if status == "paused":
            return "resume", None
        self.grown_gib += 1
        wishes: list[tuple[str, Json | None]] = [
            ("scale", {"plan": self.chance.choice(("small", "medium"))}),
            ("scale", {"storage_gib": 20 + self.grown_gib}),
            ("restart", None),
            ("backup", {}),
            ("pause", None),
        ]
        return self.chance.choice(wishes)

    def _see_through(self, operation: Json) -> None:
        """Wait for the end of the operation, and now and then cancel it meanwhile."""
        if self._chance(_CANCEL_SHARE):
            self._sleep(0.0, 2.0)
            answer = self.customer.send("POST", f"operations/{operation['id']}/cancel", chance=self.chance)
            is_accepted = answer.status_code == HTTPStatus.ACCEPTED
            self.customer.ledger.note("cancelled") if is_accepted else self.customer.ledger.note_refused(answer)
        while not self.is_over():
            self._sleep(*_LOOKS_EVERY_SECONDS)
            now = self.customer.read(f"operations/{operation['id']}", chance=self.chance)
            if not now or now["finished_at"] or now["state"] == "stuck":
                return

    def _status(self) -> str:
        """Return the database's status once it rests, or what it is when nobody waits any more."""
        while True:
            status = str(self.customer.read(f"databases/{self.database}", chance=self.chance).get("status", ""))
            if status in _AT_REST or not status or self.is_over():
                return status
            self._sleep(*_LOOKS_EVERY_SECONDS)

    def _start(self, method: str, path: str, body: Json | None = None) -> Json | None:
        if not self.tickets.take():
            return None
        started = self.customer.start(method, path, body, chance=self.chance, twice=self._chance(_TWICE_SHARE))
        if started is None:
            self.tickets.give_back()
        return started

    def _chance(self, share: float) -> bool:
        return self.chance.random() < share

    def _sleep(self, least: float, most: float) -> None:
        time.sleep(self.chance.uniform(least, most))


class Crowd:
    """All lives of a storm: as many at once as are allowed, each followed by the next as long as there are tickets."""

    def __init__(self, customers: list[Customer], *, operations: int, at_once: int, seed: int) -> None:
        self._customers = customers
        self._seed = seed
        self.tickets = Tickets(operations)
        self._over = threading.Event()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._at_once = at_once
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="life")
        self._lanes = [self._pool.submit(self._lane) for _ in range(at_once)]

    @property
    def is_done(self) -> bool:
        """Tell whether every life has ended."""
        return all(lane.done() for lane in self._lanes)

    def end(self) -> None:
        """Let nobody wait any more, and return when all have gone.

        Raises: whatever a life ended in that it should not have.
        """
        self._over.set()
        self._pool.shutdown(wait=True)
        for lane in self._lanes:
            lane.result()

    def _lane(self) -> None:
        while self.tickets.left and not self._over.is_set():
            with self._lock:
                number = next(self._numbers)
            chance = random.Random(f"{self._seed}:{number}")
            customer = self._customers[number % len(self._customers)]
            Life(
                customer=customer,
                name=f"storm-{number}",
                chance=chance,
                tickets=self.tickets,
                is_over=self._over.is_set,
            ).live()
