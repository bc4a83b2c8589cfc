"""A pocket cluster with the operator, for tests that watch it work; and what they ask of the API server."""

import base64
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.devcluster.conftest import ApiServer

Body = dict[str, Any]
READY_SECONDS = 20.0
STOP_SECONDS = 10.0
DATABASES = "/apis/kubedb.com/v1"
STORAGE: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
OPEN: list[Body] = [{"alias": "primary", "spec": {"type": "NodePort"}}]


@dataclass
class Operator:
    """An operator of its own process."""

    kubeconfig: Path
    data_dir: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Start the operator; what it logs goes to a file that a failing test may show."""
        command = [sys.executable, "-m", "devcluster", "operator"]
        command += ["--kubeconfig", str(self.kubeconfig), "--data-dir", str(self.data_dir)]
        with (self.data_dir / "operator.log").open("ab") as log:
            environment = {**os.environ, "PYTHONWARNINGS": "error"}
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the operator and give its exit code; it is asked to stop only once it listens to that."""
        assert self.process is not None
        if number is signal.SIGTERM:
            wait_until(lambda: not self.can_be_stopped_by_default, "the operator holds signals back")
        self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self.process = None
        return code

    @property
    def can_be_stopped_by_default(self) -> bool:
        """Tell whether a SIGTERM would end the process without asking it, as in its very first moments."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        masks = [int(line.split()[1], 16) for line in lines if line.startswith(("SigBlk:", "SigCgt:"))]
        return not any(mask >> (signal.SIGTERM - 1) & 1 for mask in masks)


@dataclass(frozen=True)
class Namespace:
    """One namespace of a cluster, and questions about what is in it."""

    name: str
    client: httpx.Client
    data_dir: Path

    def create(self, plural: str, kind: str, name: str, **spec: object) -> str:
        """Create a database and give its path."""
        body = {
            "apiVersion": "kubedb.com/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": {"team": "shop"}},
            "spec": {"deletionPolicy": "WipeOut", "serviceTemplates": OPEN, **spec},
        }
        self.client.post(f"{DATABASES}/namespaces/{self.name}/{plural}", json=body).raise_for_status()
        return f"{DATABASES}/namespaces/{self.name}/{plural}/{name}"

    def patch(self, path: str, patch: Body) -> None:
        """Merge a patch into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        self.client.patch(path, json=patch, headers=headers).raise_for_status()

    def get(self, path: str) -> Body:
        """Read an object."""
        answer: Body = self.client.get(path).raise_for_status().json()
        return answer

    def core(self, plural: str, name: str) -> Body:
        """Read an object of the core group."""
        return self.get(f"/api/v1/namespaces/{self.name}/{plural}/{name}")

    def listed(self, plural: str, api: str = "/api/v1") -> list[Body]:
        """Read all objects of a kind that the operator made."""
        items: list[Body] = self.get(
            f"{api}/namespaces/{self.name}/{plural}?labelSelector=app.kubernetes.io/managed-by%3Dkubedb.com"
        )["items"]
        return items

    def names(self, plural: str, api: str = "/api/v1") -> set[str]:
        """Give the names of all objects of a kind that the operator made."""
        return {item["metadata"]["name"] for item in self.listed(plural, api)}

    def wait_for_phase(self, path: str, phase: str, within_seconds: float = READY_SECONDS) -> list[str]:
        """Wait until a database has a phase, and give the phases seen on the way."""
        seen: list[str] = []

        def reached() -> bool:
            now = self.get(path).get("status", {}).get("phase", "")
            if not seen or seen[-1] != now:
                seen.append(now)
            return bool(now == phase)

        wait_until(reached, f"{path} is {phase}", within_seconds)
        return seen

    def wait_until_gone(self, path: str) -> None:
        """Wait until an object does not exist any more."""
        wait_until(lambda: self.client.get(path).status_code == httpx.codes.NOT_FOUND, f"{path} is gone")

    def wait_for_event(self, about: str, reason: str) -> None:
        """Wait until the operator told an event about an object."""
        path = f"/api/v1/namespaces/{self.name}/events"
        wait_until(
            lambda: any(
                event["involvedObject"]["name"] == about and event["reason"] == reason
                for event in self.get(path)["items"]
            ),
            f"event {reason} about {about}",
        )

    def password(self, database: str) -> str:
        """Read the administrator's password of a database."""
        return base64.b64decode(self.core("secrets", f"{database}-auth")["data"]["password"]).decode()

    def node_port(self, service: str) -> int:
        """Read the port on which a service can be reached from outside."""
        return int(self.core("services", service)["spec"]["ports"][0]["nodePort"])

    def connect(self, database: str) -> "psycopg.Connection[tuple[Any, ...]]":
        """Connect to a PostgreSQL database as its administrator through its node port."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.node_port(database),
            user="postgres",
            password=self.password(database),
            dbname="postgres",
            autocommit=True,
        )

    def server_pid(self, pod: str) -> int:
        """Give the process id of a pod's server; 0 while it is being started."""
        record = self.data_dir / "processes" / self.name / pod / "process"
        try:
            return int(record.read_text().split()[0])
        except FileNotFoundError:
            return 0


@dataclass
class PocketCluster:
    """An API server and an operator that work together."""

    server: ApiServer
    operator: Operator
    client: httpx.Client
    _numbers: "count[int]" = field(default_factory=count)

    def namespace(self) -> Namespace:
        """Make a namespace that no other test uses."""
        name = f"tenant-{next(self._numbers)}"
        self.client.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
        return Namespace(name=name, client=self.client, data_dir=self.server.data_dir)


def wait_until(reached: Callable[[], bool], what: str, within_seconds: float = READY_SECONDS) -> None:
    """Look again until it is so, and fail when it takes too long."""
    deadline = time.monotonic() + within_seconds
    while not reached():
        assert time.monotonic() < deadline, f"not after {within_seconds} s: {what}"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def pocket_cluster(data_dir: Path) -> Iterator[PocketCluster]:
    """Run an API server and an operator until the caller is done."""
    server = ApiServer(data_dir)
    server.start()
    operator = Operator(server.kubeconfig, data_dir)
    operator.start()
    verify = ssl.create_default_context(cafile=str(server.ca_file))
    headers = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=server.url, headers=headers, verify=verify) as client:
        yield PocketCluster(server, operator, client)
    if operator.process is not None:
        assert operator.stop() == 0
    server.stop()


@pytest.fixture(scope="session")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """Give the session's cluster with an operator; tests keep apart by namespaces."""
    yield from pocket_cluster(tmp_path_factory.mktemp("pocket"))


@pytest.fixture(scope="module")
def fragile_pocket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PocketCluster]:
    """Give a cluster whose operator the tests of one file may kill; each starts it again."""
    yield from pocket_cluster(tmp_path_factory.mktemp("fragile"))


@pytest.fixture
def namespace(pocket: PocketCluster) -> Namespace:
    """Give a namespace of the test's own."""
    return pocket.namespace()
