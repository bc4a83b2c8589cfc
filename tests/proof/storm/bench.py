"""Where the promised figures are measured: a running site, one customer, and what every scenario of `numbers` needs."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import LiteralString

from tests.proof.report import Number
from tests.proof.storm.customers import Customer, Json
from tests.proof.storm.metadata import MetadataDatabase, Row
from tests.proof.storm.pocket import Onlooker, PocketApi
from tests.proof.storm.site import WORKERS, Site, wait_until

FOUND_OUT_EVERY_SECONDS = 0.1
"""How exactly a moment is measured that is only seen in the metadata database."""

_PLENTY = 100_000_000

_ALL: LiteralString = """
SELECT id, kind, state, step, attempt, lost_workers, lease_token, lease_owner, lease_until, dispatch_after, finished_at, database_id,
       error_code FROM provisioning_operation WHERE id = ANY(%(ids)s)
"""


@dataclass
class Bench:
    """What a scenario is given."""

    site: Site
    pocket: PocketApi
    onlooker: Onlooker
    customer: Customer
    say: Callable[[str], None]
    numbers: list[Number] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    _orders: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(0), repr=False)

    @property
    def database(self) -> MetadataDatabase:
        """Return the metadata database."""
        return self.site.database

    def allow_much(self) -> None:
        """Let no quota be in the way of what is measured."""
        self.database.do(
            "UPDATE tenants_quota SET max_databases = %(plenty)s, max_cpu_millicores = %(plenty)s,"
            " max_memory_mib = %(plenty)s, max_storage_gib = %(plenty)s",
            plenty=_PLENTY,
        )

    def order(self, engine: str = "mysql") -> Json:
        """Order a database under a new name and return the operation."""
        self._orders += 1
        body = {"tenant": self.customer.tenant["id"], "name": f"bench-{self._orders}", "engine": engine}
        started = self.customer.start("POST", "databases", body, chance=self._chance)
        if started is None:
            raise RuntimeError(f"an order was refused: {self.customer.ledger.refusals}")
        return started

    def ask(self, database: str, verb: str) -> Json:
        """Ask for a change of a database and return the operation."""
        started = self.customer.start("POST", f"databases/{database}/{verb}", chance=self._chance)
        if started is None:
            raise RuntimeError(f"{verb} was refused: {self.customer.ledger.refusals}")
        return started

    def look(self, operations: Sequence[Json]) -> list[Row]:
        """Return the rows of the operations."""
        return self.database.rows(_ALL, ids=[operation["id"] for operation in operations])

    def until(
        self, what: str, operations: Sequence[Json], is_so: Callable[[list[Row]], bool], seconds: float
    ) -> list[Row]:
        """Wait until the rows of the operations are so, and return them.

        Raises: NotInTime.
        """
        rows: list[Row] = []

        def looks_right() -> bool:
            rows[:] = self.look(operations)
            return is_so(rows)

        wait_until(what, looks_right, seconds, again_in=FOUND_OUT_EVERY_SECONDS)
        return rows

    def until_succeeded(self, operations: Sequence[Json], seconds: float) -> list[Row]:
        """Wait until all of them have ended, and note each that has not succeeded."""
        rows = self.until("all end", operations, lambda rows: all(row["finished_at"] for row in rows), seconds)
        self.violations += [
            f"operation {row['id']} {row['state']}: {row['error_code']}" for row in rows if row["state"] != "succeeded"
        ]
        return rows

    def require_done_once(self, operations: Sequence[Json], *, first_try: bool = False) -> None:
        """Note every step of the operations that was done more than once, or (`first_try`) not at the first try."""
        statement: LiteralString = """
            SELECT operation_id, step, count(*) AS times, max(attempt) AS tries FROM provisioning_operationevent
             WHERE operation_id = ANY(%(ids)s) AND event = 'done' GROUP BY operation_id, step
        """
        for row in self.database.rows(statement, ids=[operation["id"] for operation in operations]):
            if row["times"] > 1 or (first_try and row["tries"] > 1):
                self.violations.append(f"a step was done {row['times']} times, in {row['tries']} tries: {row}")

    def note(self, what: str, measured: float, at_most: float | None, unit: str = "s") -> None:
        """Write a figure down."""
        number = Number(what=what, measured=measured, at_most=at_most, unit=unit)
        self.numbers.append(number)
        self.say(f"{what}: {measured:.2f} {unit}" + ("" if number.holds else f" BROKEN, at most {at_most:g}"))

    def worker_of(self, row: Row) -> str:
        """Return which worker's child holds the operation; empty where none does."""
        pid = int(row["lease_owner"].rpartition(":")[2] or 0)
        for name in WORKERS:
            try:
                if pid and os.getpgid(pid) == self.site.supervisor.units[name].pid:
                    return name
            except ProcessLookupError:
                continue
        return ""

    @contextmanager
    def slow_api(self, seconds: float, *verbs: str) -> Iterator[None]:
        """Let the cluster's API take this long for every request with one of these verbs, as long as this block lasts."""
        for verb in verbs:
            self.pocket.trouble("delay", seconds=seconds, every=True, verb=verb)
        try:
            yield
        finally:
            self.pocket.calm()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(len(ordered) * share * 1000) // 1000) - 1)]


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds it took."""
    began = time.monotonic()
    action()
    return time.monotonic() - began
