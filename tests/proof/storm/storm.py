"""One storm: customers at work, chaos around them, then calm; and the question whether everything that was promised was kept."""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from provisioning.cluster.kinds import SECRET
from tests.proof.storm import invariants
from tests.proof.storm.chaos import Chaos
from tests.proof.storm.customers import Customer, Ledger, new_customer
from tests.proof.storm.lives import Crowd
from tests.proof.storm.pocket import LEFT_BEHIND, Onlooker, PocketApi, listed
from tests.proof.storm.reading import Messages, answers_of, deaths_told, events_in, logs_in, told_by
from tests.proof.storm.sampling import Sampler
from tests.proof.storm.site import NotInTime, Site, wait_until

CUSTOMERS = 5
_TIGHT_DATABASES = 12
"""What the first customer may have, so that some orders meet the edge of a quota; the others may have as much as they like."""
_PLENTY = 100_000_000
_SAYS_EVERY_SECONDS = 5.0
_WELL_WITHIN_SECONDS = 90.0
_LIVES_END_WITHIN_SECONDS = 90.0

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Weather:
    """How much of everything there is."""

    operations: int
    at_once: int
    chaos_seconds: float
    """At least; it goes on while operations are still being started, up to twice as long."""
    pause_seconds: tuple[float, float]
    broker_freeze_seconds: float
    rest_seconds: float
    """Within which all must rest once it is calm."""


@dataclass
class Aftermath:
    """What a storm came to."""

    seed: int
    accepted: int = 0
    most_moving: int = 0
    samples: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    rest_seconds: float = 0.0
    """From the calm to the rest of the last operation."""


@dataclass
class Storm:
    """One storm over a running site."""

    site: Site
    weather: Weather
    seed: int
    say: Say
    ledger: Ledger = field(default_factory=Ledger)
    aftermath: Aftermath = field(init=False)

    def __post_init__(self) -> None:
        self.aftermath = Aftermath(seed=self.seed)
        self._pocket = PocketApi(self.site.layout.kubeconfig)
        self._messages = Messages(self.site.values["BROKER_URL"])
        self._customers = [
            new_customer(self.site.layout.web_url, f"storm-{number}", self.ledger) for number in range(CUSTOMERS)
        ]
        self._set_quotas()

    def run(self) -> Aftermath:
        """Let it break loose, wait for the calm, and look at what is left."""
        sampler = Sampler(self.site.database)
        onlooker = Onlooker(self.site.gateway())
        sampler.start()
        try:
            self._rage()
            self._calm_down()
            self._check(onlooker)
        except NotInTime as error:
            self.aftermath.violations += [str(error), *invariants.rows_that_disagree(self.site.database)]
        finally:
            sampler.stop()
            onlooker.stop()
        self.aftermath.violations += [*dict.fromkeys(sampler.violations), *self._moments(onlooker)]
        self.aftermath.samples, self.aftermath.most_moving = sampler.samples, sampler.most_moving
        self.aftermath.accepted = len(self.ledger.promises)
        for what, times in self.ledger.told.items():
            self.aftermath.faults[what] += times
        return self.aftermath

    def _rage(self) -> None:
        """Customers and chaos at once; the chaos ends when it has lasted long enough and everything was asked for."""
        weather = self.weather
        crowd = Crowd(self._customers, operations=weather.operations, at_once=weather.at_once, seed=self.seed)
        chaos = Chaos(
            self.site,
            self._pocket,
            random.Random(self.seed),
            weather.broker_freeze_seconds,
            weather.pause_seconds,
            self.say,
        )
        began = time.monotonic()
        chaos.start()
        with self._telling(crowd):
            while time.monotonic() - began < weather.chaos_seconds or (
                crowd.tickets.left and time.monotonic() - began < 2 * weather.chaos_seconds
            ):
                time.sleep(0.5)
                self._messages.look()
            chaos.stop()
            self.aftermath.faults += chaos.counts
            self.say(f"calm after {time.monotonic() - began:.0f} s: {sum(chaos.counts.values())} blows")
            wait_until("the system is up again", self.site.is_well, _WELL_WITHIN_SECONDS, again_in=0.5)
            deadline = time.monotonic() + _LIVES_END_WITHIN_SECONDS
            while not crowd.is_done and time.monotonic() < deadline:
                time.sleep(0.5)
            crowd.end()

    def _calm_down(self) -> None:
        """Wait until everything rests; what is stuck is retried once, as an operator would."""
        began = time.monotonic()
        self._wait_for_rest()
        stuck = self.site.database.rows(
            "SELECT id, tenant_id, kind, error_code FROM provisioning_operation WHERE state = 'stuck'"
        )
        by_tenant = {customer.tenant["id"]: customer for customer in self._customers}
        chance = random.Random(self.seed)
        for row in stuck:
            self.say(f"stuck: {row['kind']} {row['id']} {row['error_code']}")
            by_tenant[str(row["tenant_id"])].send("POST", f"operations/{row['id']}/retry", chance=chance)
            self.aftermath.faults["stuck and retried"] += 1
        if stuck:
            self._wait_for_rest()
        self.aftermath.rest_seconds = time.monotonic() - began

    def _wait_for_rest(self) -> None:
        wait_until(
            "everything rests",
            lambda: self.site.database.value(invariants.RESTS) == 0,
            self.weather.rest_seconds,
            again_in=0.5,
        )

    def _check(self, onlooker: Onlooker) -> None:
        """Look for leaks twice, because the first look deletes them, and compare everything with everything."""
        gateway, database = self.site.gateway(), self.site.database
        first = self._reap()
        self.aftermath.faults["leak that the reaper found"] += len(first["leaked"])
        if first["leaked"]:
            time.sleep(5)
        found = [f"the reaper finds {what} again" for what in self._reap()["leaked"]]
        found += [f"the reaper finds {what} {names}" for what, names in first.items() if what != "leaked" and names]
        found += invariants.rows_that_disagree(database)
        found += invariants.promises_broken(self.ledger, database)
        bodies = listed(gateway, LEFT_BEHIND)
        found += invariants.cluster_disagrees(database, bodies)
        found += [f"database {owner} was made {len(uids)} times" for owner, uids in onlooker.doubled().items()]
        secrets = invariants.passwords_in(body for body in bodies if body["kind"] == SECRET.kind) | self.site.secrets
        secrets |= {secret for customer in self._customers for secret in customer.secrets} | {self._pocket.token}
        logs = logs_in(self.site.layout.log_dir)
        self.aftermath.faults["child killed at a crash point"] += deaths_told(logs)
        texts = logs | told_by(database) | events_in(gateway)
        found += invariants.leaks(secrets, texts | answers_of(self.ledger.error_bodies) | self._messages.texts())
        self.aftermath.violations += [*found, *self._answers_that_disagree()]
        rows = database.rows("SELECT state, count(*) AS times FROM provisioning_operation GROUP BY state")
        self.aftermath.states = Counter({str(row["state"]): int(row["times"]) for row in rows})

    def _reap(self) -> dict[str, list[str]]:
        """Compare the ledger with the cluster, as the scheduler has it done every ten minutes, and return what was found."""
        code = (
            "import json; from dataclasses import asdict; from provisioning.reaper import compare_all_clusters;"
            " print('found', json.dumps(asdict(compare_all_clusters())))"
        )
        said = self.site.manage("shell", "--no-imports", "-c", code)
        line = next(line for line in said.splitlines() if line.startswith("found "))
        return dict(json.loads(line.removeprefix("found ")))

    def _answers_that_disagree(self) -> Iterator[str]:
        """Compare what the API says now with the metadata database."""
        chance = random.Random(self.seed)
        rows = self.site.database.rows("SELECT id, state FROM provisioning_operation")
        states = {str(row["id"]): row["state"] for row in rows}
        for customer in self._customers:
            tenant = customer.tenant["id"]
            shown = {one["id"]: one["state"] for one in customer.pages(f"operations?tenant={tenant}", chance=chance)}
            promised = {one.operation for one in self.ledger.promises.values() if one.tenant == tenant}
            for lost in promised - shown.keys():
                yield f"operation {lost} was accepted, and the API does not list it"
            for identifier, state in shown.items():
                if state != states[identifier]:
                    yield f"operation {identifier} is {states[identifier]}, and the API says {state}"
            used = customer.read(f"tenants/{tenant}/quota", chance=chance)["databases"]["used"]
            live = sum(
                1 for one in customer.pages(f"databases?tenant={tenant}", chance=chance) if one["status"] != "failed"
            )
            if used != live:
                yield f"tenant {tenant} has {live} databases by the API, and uses {used} of its quota"

    def _moments(self, onlooker: Onlooker) -> list[str]:
        return [] if onlooker.uids else ["the onlooker saw no database at all"]

    def _set_quotas(self) -> None:
        self.site.database.do(
            "UPDATE tenants_quota SET max_databases = %(plenty)s, max_cpu_millicores = %(plenty)s,"
            " max_memory_mib = %(plenty)s, max_storage_gib = %(plenty)s",
            plenty=_PLENTY,
        )
        first: Customer = self._customers[0]
        self.site.database.do(
            "UPDATE tenants_quota SET max_databases = %(few)s WHERE tenant_id = %(tenant)s",
            few=_TIGHT_DATABASES,
            tenant=first.tenant["id"],
        )

    @contextmanager
    def _telling(self, crowd: Crowd) -> Iterator[None]:
        """Say every few seconds how far it is, as long as this block lasts."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(_SAYS_EVERY_SECONDS):
                accepted, told = len(self.ledger.promises), self.ledger.told["repeated request"]
                self.say(f"{accepted} operations accepted, {crowd.tickets.left} to come, {told} requests repeated")

        thread = threading.Thread(target=tell, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
