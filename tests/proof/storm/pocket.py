"""The pocket cluster as the storm sees it: with faults to put in force, a count of requests, and every database object that ever was."""

import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import DATABASE_KINDS, SECRET, SERVICE, Kind
from provisioning.cluster.ownership import OURS, owner_of
from provisioning.engine import Body

_WATCH_SECONDS = 60
_SILENCE_SECONDS = 75
_PAUSE_SECONDS = 0.2
_CLAIM = Kind(api_version="v1", kind="PersistentVolumeClaim", plural="persistentvolumeclaims")
LEFT_BEHIND = (*DATABASE_KINDS, SECRET, SERVICE, _CLAIM)
"""Kinds of which nothing may be left of a database that was deleted with everything it stored."""


class PocketApi:
    """The pocket cluster's own surface, beside that of Kubernetes."""

    def __init__(self, kubeconfig: Path) -> None:
        described = yaml.safe_load(kubeconfig.read_bytes())
        token = described["users"][0]["user"]["token"]
        trust = ssl.create_default_context(cafile=str(kubeconfig.parent / "ca.crt"))
        self.token = str(token)
        self._client = httpx.Client(
            base_url=described["clusters"][0]["cluster"]["server"],
            headers={"Authorization": f"Bearer {token}"},
            verify=trust,
            timeout=10,
        )

    def trouble(
        self, fault: str, *, seconds: float | None = None, retry_after: int | None = None, **match: Any
    ) -> None:
        """Put a rule in force; see devcluster.apiserver.faults."""
        rule: dict[str, Any] = {"fault": fault, "match": match}
        rule |= {"seconds": seconds} if seconds is not None else {}
        rule |= {"retry_after": retry_after} if retry_after is not None else {}
        self._client.post("/_faults", json=rule).raise_for_status()

    def calm(self) -> None:
        """Behave again."""
        self._client.delete("/_faults").raise_for_status()

    @contextmanager
    def counted(self) -> Iterator[list[int]]:
        """Count the requests that arrive inside this block (a fault that delays every one by nothing); filled in at its end."""
        found: list[int] = []
        self.trouble("delay", seconds=0, every=True)
        yield found
        rules = self._client.get("/_faults").raise_for_status().json()["items"]
        found.append(max((rule["seen"] for rule in rules), default=0))
        self.calm()

    def send(self, method: str, path: str, body: Body) -> Body:
        """Send a request of our own to the Kubernetes API and return the answer."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._client.request(method, path, json=body, headers={"Content-Type": kind})
        answer.raise_for_status()
        return dict(answer.json())

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()


class Onlooker:
    """Watches every database object by a stream of its own per kind, and remembers each uid and when it was first seen to be ready."""

    def __init__(self, gateway: Gateway) -> None:
        self.uids: dict[str, set[str]] = defaultdict(set)
        """By the id of the database in our label."""
        self.ready_at: dict[str, datetime] = {}
        """By the same id: when the event that says `Ready` came."""
        self._gateway = gateway
        self._over = threading.Event()
        self._lock = threading.Lock()
        for kind in DATABASE_KINDS:
            threading.Thread(target=self._look_on, args=(kind,), daemon=True).start()

    def stop(self) -> None:
        """See no more."""
        self._over.set()

    def doubled(self) -> dict[str, set[str]]:
        """Return databases for which more than one object was ever made."""
        with self._lock:
            return {owner: set(uids) for owner, uids in self.uids.items() if len(uids) > 1}

    def _look_on(self, kind: Kind) -> None:
        while not self._over.is_set():
            try:
                bodies, version = self._gateway.list(kind, labels=OURS)
                for body in bodies:
                    self._note(body)
                self._follow(kind, version)
            except (Transient, Permanent):
                self._over.wait(_PAUSE_SECONDS)

    def _follow(self, kind: Kind, version: str) -> None:
        stream = self._gateway.watch(
            kind, labels=OURS, resource_version=version, seconds=_WATCH_SECONDS, silence_seconds=_SILENCE_SECONDS
        )
        with closing(stream) as events:
            for event in events:
                if self._over.is_set():
                    return
                if event["type"] != "BOOKMARK":
                    self._note(event["object"])

    def _note(self, body: Body) -> None:
        owner = str(owner_of(body))
        with self._lock:
            self.uids[owner].add(body["metadata"]["uid"])
            if (body.get("status") or {}).get("phase") == "Ready":
                self.ready_at.setdefault(owner, datetime.now(UTC))


def listed(gateway: Gateway, kinds: Sequence[Kind], *, seconds: float = 30.0) -> list[Body]:
    """Return all our objects of these kinds, trying again while the cluster is away.

    Raises: Transient — it has been away for too long.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            # items of a list do not say their kind
            return [{**body, "kind": kind.kind} for kind in kinds for body in gateway.list(kind, labels=OURS)[0]]
        except Transient:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
