"""Customers of a storm: they send every request with an idempotency key, repeat it until they are told something, and write down what."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from tests.proof.storm.site import CANARY

Json = dict[str, Any]
_TRY_SECONDS = 10.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 8.0
"""Between two tries, doubling, and random below that: a hundred customers that hammer at a server which starts would keep it from starting."""
_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class NobodyAnswers(Exception):
    """The API has not given a definite answer for too long."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """An operation that a customer was told is accepted."""

    operation: str
    kind: str
    database: str
    tenant: str
    key: str


@dataclass
class Ledger:
    """What all customers were told; written from many threads."""

    promises: dict[str, Promise] = field(default_factory=dict)
    """By operation."""
    by_key: dict[str, set[str]] = field(default_factory=dict)
    """The operations that one key was answered with."""
    refusals: Counter[str] = field(default_factory=Counter)
    """By problem code."""
    told: Counter[str] = field(default_factory=Counter)
    """What else happened: repeated requests, replays, ..."""
    error_bodies: set[str] = field(default_factory=set)
    surprises: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note_accepted(self, answer: Json, tenant: str, key: str) -> None:
        """Write down that this was accepted under this key."""
        promise = Promise(
            operation=answer["id"],
            kind=answer["kind"],
            database=answer["database"]["id"],
            tenant=tenant,
            key=key,
        )
        with self._lock:
            self.promises.setdefault(promise.operation, promise)
            self.by_key.setdefault(key, set()).add(promise.operation)

    def note_refused(self, answer: httpx.Response) -> str:
        """Write down why a request was refused, and return the code."""
        code = _code_of(answer)
        with self._lock:
            self.refusals[code] += 1
            self.error_bodies.add(answer.text)
        return code

    def note(self, what: str) -> None:
        """Count something."""
        with self._lock:
            self.told[what] += 1

    def note_surprise(self, what: str) -> None:
        """Write down what must not happen."""
        with self._lock:
            self.surprises.append(what)


@dataclass
class Customer:
    """Somebody with a tenant, who uses the API alone."""

    api: httpx.Client
    ledger: Ledger
    tenant: Json
    secrets: set[str]
    patience_seconds: float = 120.0

    def send(
        self, method: str, path: str, body: Json | None = None, *, key: str = "", chance: random.Random
    ) -> httpx.Response:
        """Send the request again and again, with the same key, until there is a definite answer.

        Raises: NobodyAnswers.
        """
        headers = {"Idempotency-Key": key} if key else {}
        deadline = time.monotonic() + self.patience_seconds
        pause = _FIRST_PAUSE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = self.api.request(method, f"/api/v1/{path}", json=body, headers=headers)
            except httpx.TransportError as error:
                self.ledger.note(f"no answer ({type(error).__name__})")
            else:
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status_code not in _AGAIN:
                    return answer
                self.ledger.note_refused(answer)
            self.ledger.note("repeated request")
            time.sleep(chance.uniform(pause / 2, pause))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        raise NobodyAnswers(f"{method} {path}")

    def start(
        self, method: str, path: str, body: Json | None = None, *, chance: random.Random, twice: bool = False
    ) -> Json | None:
        """Ask for an operation; None where it is refused. `twice` sends the whole request again, as a client that crashed would."""
        key = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        answers = [self.send(method, path, body, key=key, chance=chance) for _ in range(1 + twice)]
        for answer in answers:
            if answer.status_code == HTTPStatus.ACCEPTED:
                self.ledger.note_accepted(answer.json(), self.tenant["id"], key)
                self.ledger.note("replay") if "Idempotency-Replayed" in answer.headers else None
        if answers[0].status_code == HTTPStatus.ACCEPTED:
            for again in answers[1:]:
                self._require_replay(again, key)
            return dict(answers[0].json())
        self.ledger.note_refused(answers[0])
        return None

    def _require_replay(self, again: httpx.Response, key: str) -> None:
        """Write it down if a request that was accepted is not answered with the same again."""
        if again.status_code != HTTPStatus.ACCEPTED or "Idempotency-Replayed" not in again.headers:
            told = _code_of(again) if again.is_error else "no replay"
            self.ledger.note_surprise(f"key {key} was accepted, and then answered {again.status_code} {told}")

    def read(self, path: str, *, chance: random.Random) -> Json:
        """Read something that must be there."""
        answer = self.send("GET", path, chance=chance)
        if answer.is_error:
            self.ledger.note_surprise(f"GET {path} answered {answer.status_code} {answer.text[:300]}")
            return {}
        return dict(answer.json())

    def pages(self, path: str, *, chance: random.Random) -> Iterable[Json]:
        """Yield everything that a list holds, page by page."""
        cursor = ""
        while True:
            found = self.read(f"{path}{'&' if '?' in path else '?'}limit=200{cursor}", chance=chance)
            yield from found.get("items", ())
            if not found.get("next_cursor"):
                return
            cursor = f"&cursor={found['next_cursor']}"


def new_customer(base: str, name: str, ledger: Ledger) -> Customer:
    """Register, log in, make an API key and a tenant."""
    passphrase = f"{CANARY} long pass phrase of {name}"
    person = {"email": f"{name}@example.com", "password": passphrase}
    api = httpx.Client(
        base_url=base,
        timeout=_TRY_SECONDS,
        verify=False,  # noqa: S501 -- plain HTTP on this machine: loading the trusted authorities costs 50 ms a client
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
    )
    api.post("/api/v1/auth/register", json=person).raise_for_status()
    tokens = api.post("/api/v1/auth/login", json=person).raise_for_status().json()
    api.headers["Authorization"] = f"Bearer {tokens['access']}"
    made = api.post("/api/v1/auth/api-keys", json={"name": "storm"}).raise_for_status().json()
    tenant = api.post("/api/v1/tenants", json={"name": name}).raise_for_status().json()
    del api.headers["Authorization"]
    api.headers["X-API-Key"] = made["key"]
    secrets = {passphrase, tokens["access"], tokens["refresh"], made["key"]}
    return Customer(api=api, ledger=ledger, tenant=tenant, secrets=secrets)


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code") or answer.status_code)
    except ValueError:
        return f"{answer.status_code} (not JSON)"
