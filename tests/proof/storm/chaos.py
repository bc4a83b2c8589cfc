"""What is done to a system during a storm: processes killed and frozen, connections cut, the cluster's API in trouble; by a seed, and counted."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg

from tests.proof.storm.pocket import PocketApi
from tests.proof.storm.site import BEATS, WATCHERS, WORKERS, Site

_VERBS = ("create", "get", "list", "patch", "delete", "update")
_RESOURCES = (
    "mysqls",
    "mongodbs",
    "elasticsearches",
    "secrets",
    "namespaces",
    "mysqlopsrequests",
    "mongodbopsrequests",
)
_WATCHED = ("mysqls", "mongodbs", "elasticsearches", "postgreses", "redises", "mysqlopsrequests", "mongodbopsrequests")
_POINTS = ("advance.after_claim", "advance.before_commit", "advance.after_save", "create.after_effect")
_ARMED = "DBAAS_CRASH"
_PASSES = (2, 6)
"""How often a child passes its crash point before it is killed there: so rarely that no operation meets five killed workers in a row."""
_CREATED = (
    *("mysqls", "mongodbs", "elasticsearches"),
    *("mysqlopsrequests", "mongodbopsrequests", "elasticsearchopsrequests"),
)
"""What only our workers create."""
_CAUGHT_IN_CALLS = 4
"""How many requests of each sort are slowed down before a worker is frozen."""
_LATE_SECONDS = 12.0
"""Frozen for so much longer than a lease that another worker has taken over when it comes back."""
_STREAK = 4
"""How many requests in a row one trouble strikes."""

Say = Callable[[str], None]


@dataclass
class Chaos:
    """Strikes again and again, from a thread of its own, until it is told to stop."""

    site: Site
    pocket: PocketApi
    chance: random.Random
    broker_freeze_seconds: float
    pause_seconds: tuple[float, float]
    say: Say
    counts: Counter[str] = field(default_factory=Counter)
    _frozen: set[str] = field(default_factory=set, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    _threads: list[threading.Thread] = field(default_factory=list, repr=False)

    def start(self) -> None:
        """Begin."""
        thread = threading.Thread(target=self._rage, name="chaos", daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Strike no more, thaw what is frozen, and let the cluster's API behave."""
        self._over.set()
        for thread in list(self._threads):
            thread.join()
        for name in WORKERS:
            self._disarm(name)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.pocket.calm()
            except httpx.HTTPError:
                time.sleep(0.2)
            else:
                return

    def _rage(self) -> None:
        for strike in self._strikes():
            if self._over.wait(self.chance.uniform(*self.pause_seconds)):
                return
            try:
                name = strike()
            except (httpx.HTTPError, psycopg.Error) as error:
                self.counts["blow that missed"] += 1
                self.say(f"a blow missed ({type(error).__name__})")
                continue
            self.counts[name] += 1
            self.say(name)

    def _strikes(self) -> Iterator[Callable[[], str]]:
        """Yield every blow once, in a random order, and then any of them for ever; the frequent ones stand twice."""
        kinds = [
            *(self._kill_worker, self._kill_worker, self._kill_beat, self._kill_watcher, self._kill_web),
            *(self._kill_broker, self._kill_operator, self._kill_api_server, self._freeze_worker, self._freeze_broker),
            *(self._cut_connections, self._crash_database, self._cut_watch, self._cut_watch, self._arm_worker),
            *(self._trouble for _ in range(8)),
        ]
        self.chance.shuffle(kinds)
        yield from kinds
        while True:
            yield self.chance.choice([kind for kind in kinds if kind != self._freeze_broker])

    def _kill(self, name: str) -> str:
        self.site.supervisor.kill(name)
        return f"kill {name.rstrip('-12')}"

    def _kill_worker(self) -> str:
        """Kill a worker, but none that is frozen: it is to come back."""
        return self._kill(self.chance.choice([name for name in WORKERS if name not in self._frozen]))

    def _arm_worker(self) -> str:
        """Start a worker anew whose children are killed at a crash point again and again."""
        name = self.chance.choice([name for name in WORKERS if name not in self._frozen])
        unit = self.site.supervisor.units[name]
        setting = f"{self.chance.choice(_POINTS)}:{self.chance.randint(*_PASSES)}:kill"
        unit.environment = {**unit.environment, _ARMED: setting}
        self.site.supervisor.kill(name)
        return "kill at crash points"

    def _disarm(self, name: str) -> None:
        unit = self.site.supervisor.units[name]
        if _ARMED in unit.environment:
            unit.environment = {key: value for key, value in unit.environment.items() if key != _ARMED}
            self.site.supervisor.kill(name)

    def _kill_beat(self) -> str:
        return self._kill(self.chance.choice(BEATS))

    def _kill_watcher(self) -> str:
        return self._kill(self.chance.choice(WATCHERS))

    def _kill_web(self) -> str:
        return self._kill("web")

    def _kill_broker(self) -> str:
        return self._kill("broker")

    def _kill_operator(self) -> str:
        return self._kill("cluster-operator")

    def _kill_api_server(self) -> str:
        return self._kill("cluster-api")

    def _crash_database(self) -> str:
        """Let the metadata database stop at once, in the middle of every transaction; it recovers from its log."""
        self.site.supervisor.quit_at_once("metadata")
        return "crash metadata database"

    def _cut_connections(self) -> str:
        self.counts["connection cut"] += self.site.database.cut_connections()
        return "cut metadata connections"

    def _freeze_worker(self) -> str:
        """Freeze one worker past its lease, in the background: everything else goes on; never both at once."""
        if self._frozen & set(WORKERS):
            return self._kill_worker()
        name = self.chance.choice(WORKERS)
        for resource in _CREATED:
            self._strike_next(_CAUGHT_IN_CALLS, "delay", seconds=4.0, verb="create", resource=resource)
        self._over.wait(2.0)  # so that the frost catches it in the middle of calls
        self._in_background(lambda: self._freeze(name, self.site.lease_seconds + _LATE_SECONDS))
        return "freeze worker past its lease"

    def _freeze_broker(self) -> str:
        self._in_background(lambda: self._freeze("broker", self.broker_freeze_seconds))
        return "freeze broker"

    def _freeze(self, name: str, seconds: float) -> None:
        self._frozen.add(name)
        with self.site.supervisor.frozen(name):
            self._over.wait(seconds)
        self._frozen.discard(name)

    def _in_background(self, action: Callable[[], None]) -> None:
        thread = threading.Thread(target=action, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _trouble(self) -> str:
        """Let the cluster's API fail the next few requests of one sort."""
        fault = self.chance.choice(
            ("429", "500", "503", "timeout_after_effect", "reset_before", "reset_after", "delay")
        )
        match = {"verb": self.chance.choice(_VERBS)}
        if self.chance.random() < 0.5:
            match["resource"] = self.chance.choice(_RESOURCES)
        self._strike_next(
            self.chance.randint(1, _STREAK),
            fault,
            seconds={"timeout_after_effect": 12.0, "delay": 2.0}.get(fault),
            retry_after=self.chance.randint(1, 3) if fault in ("429", "503") else None,
            **match,
        )
        return f"API {fault}"

    def _strike_next(self, requests: int, fault: str, **how: Any) -> None:
        """Let the next requests that match be struck, each once."""
        for nth in range(1, requests + 1):
            self.pocket.trouble(fault, nth=nth, **how)

    def _cut_watch(self) -> str:
        fault = self.chance.choice(("cut_watch", "gone"))
        self.pocket.trouble(fault, verb="watch", resource=self.chance.choice(_WATCHED), now=True)
        return f"API {fault}"
