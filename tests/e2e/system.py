"""A whole system on this machine for end-to-end tests: started by its own launcher, used over HTTP, hurt by signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from celery import Celery

from laptop.environment import read_environment
from laptop.layout import ROOT, Layout
from laptop.supervision import answers, control

START_SECONDS = 90.0
READY_SECONDS = 60.0

Json = dict[str, Any]


def wait_until(what: str, is_so: Callable[[], Any], seconds: float = READY_SECONDS, *, again_in: float = 0.1) -> Any:
    """Look again and again until it is so, and return what the look gave.

    Raises: AssertionError — it is not so in time.
    """
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(again_in)
    return found


@dataclass
class System:
    """A copy of the system in a folder of its own, on ports that were free."""

    data_dir: Path
    launcher: subprocess.Popen[str] | None = field(default=None, repr=False)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which its commands run."""
        ports = {"PORT": "0", "FLOWER_PORT": "0", "KUBE_PORT": "0"}
        return {**os.environ, **ports, "DBAAS_DATA_DIR": str(self.data_dir), "COLUMNS": "200"}

    @property
    def base(self) -> str:
        """Return where the API answers."""
        return read_environment(self.data_dir / "dbaas.env")["PUBLIC_URL"]

    @property
    def kubeconfig(self) -> Path:
        """Return the pocket cluster's kubeconfig."""
        return self.data_dir / "cluster" / "kubeconfig"

    def start(self) -> None:
        """Start everything and wait until all of it answers."""
        self.launcher = subprocess.Popen(
            [sys.executable, "-m", "laptop", "run"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        wait_until("everything is up", self._is_up_or_over, START_SECONDS)
        assert self.launcher.poll() is None, self.launcher.communicate()[0]

    def interrupt(self) -> str:
        """Press Ctrl-C, and return everything that the launcher printed."""
        assert self.launcher is not None
        self.launcher.send_signal(signal.SIGINT)
        printed, _ = self.launcher.communicate(timeout=90)
        return printed

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the launcher on the same folder."""
        line = [sys.executable, "-m", "laptop", *command]
        return subprocess.run(
            line, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )

    def pid(self, program: str) -> int:
        """Return the process id of a supervised program, waiting while it is being restarted."""
        with control(self.layout) as supervisor:
            info = wait_until(f"{program} runs", lambda: _running(supervisor.getProcessInfo(program)))
        return int(info["pid"])

    def pids(self) -> dict[str, int]:
        """Return the process ids of everything that is supervised."""
        with control(self.layout) as supervisor:
            return {info["name"]: info["pid"] for info in supervisor.getAllProcessInfo()}

    def kill(self, program: str) -> None:
        """Kill -9 the program with all its children; supervisord starts it again."""
        os.killpg(self.pid(program), signal.SIGKILL)

    @contextmanager
    def frozen(self, program: str) -> Iterator[None]:
        """Stop the program in its tracks, without closing anything, as long as this block lasts."""
        group = self.pid(program)
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def look_after(self) -> None:
        """Have done now what the scheduler asks for once a minute."""
        self._send("provisioning.look_after")

    def compare(self) -> None:
        """Have the ledger compared with the cluster now."""
        self._send("provisioning.reap")

    def _send(self, task: str) -> None:
        broker = read_environment(self.data_dir / "dbaas.env")["BROKER_URL"]
        with Celery(broker=broker, set_as_current=False) as celery:
            celery.send_task(task, queue="maintenance", expires=5)

    def _is_up_or_over(self) -> bool:
        assert self.launcher is not None
        if self.launcher.poll() is not None:
            return True
        supervised = (self.data_dir / "supervisord.pid").is_file() and (self.data_dir / "dbaas.env").is_file()
        return supervised and answers(f"{self.base}/health/ready") and answers(f"{self._flower()}/healthcheck")

    def _flower(self) -> str:
        return read_environment(self.data_dir / "dbaas.env")["FLOWER_URL"]

    @property
    def layout(self) -> Layout:
        """Return where its files are; its ports were chosen by the launcher and are in dbaas.env."""
        return Layout(data_dir=self.data_dir, web_port=0, flower_port=0, kube_port=0, broker_port=0)


def _running(info: Json) -> Json | None:
    return info if info["statename"] == "RUNNING" else None


@dataclass
class Customer:
    """Somebody who uses the system through its API alone."""

    api: httpx.Client
    tenant: Json

    def order(self, name: str, engine: str = "postgres", **fields: Any) -> Json:
        """Order a database and return the accepted operation."""
        body = {"tenant": self.tenant["id"], "name": name, "engine": engine, **fields}
        return self.checked(self.api.post("/api/v1/databases", json=body))

    def delete(self, database: Json, **query: Any) -> Json:
        """Ask for a deletion and return the accepted operation."""
        return self.checked(self.api.delete(f"/api/v1/databases/{database['id']}", params=query))

    def ask(self, database: Json, verb: str, **body: Any) -> Json:
        """Ask for a change, such as `scale`, and return the accepted operation."""
        return self.checked(self.api.post(f"/api/v1/databases/{database['id']}/{verb}", json=body))

    def set_policy(self, database: Json, **policy: Any) -> Json:
        """Set the backup policy and return the accepted operation."""
        return self.checked(self.api.put(f"/api/v1/databases/{database['id']}/backup-policy", json=policy))

    def policy(self, database: Json) -> Json:
        """Return the backup policy in force."""
        return self.checked(self.api.get(f"/api/v1/databases/{database['id']}/backup-policy"))

    def backups(self, database: Json) -> list[Json]:
        """Return the database's backups, the latest first."""
        return list(self.checked(self.api.get("/api/v1/backups", params={"database": database["id"]}))["items"])

    def delete_backup(self, backup: Json) -> Json:
        """Ask for a backup's deletion and return the accepted operation."""
        return self.checked(self.api.delete(f"/api/v1/backups/{backup['id']}"))

    def follow(self, operation: Json, seconds: float = READY_SECONDS) -> Json:
        """Wait until the operation has ended or is stuck, and return it with its timeline."""
        return dict(
            wait_until(
                f"{operation['kind']} of {operation['database']['name']} ends", lambda: self._ended(operation), seconds
            )
        )

    def database(self, operation: Json) -> Json:
        """Return the database that the operation works on."""
        return self.checked(self.api.get(f"/api/v1/databases/{operation['database']['id']}"))

    def credentials(self, database: Json) -> Json:
        """Return how to connect."""
        return self.checked(self.api.get(f"/api/v1/databases/{database['id']}/credentials"))

    def quota(self) -> dict[str, int]:
        """Return what the tenant uses of each resource."""
        quota = self.checked(self.api.get(f"/api/v1/tenants/{self.tenant['id']}/quota"))
        return {name: amounts["used"] for name, amounts in quota.items() if isinstance(amounts, dict)}

    @staticmethod
    def checked(answer: httpx.Response) -> Json:
        """Return the answer's body, which must be no error."""
        assert not answer.is_error, answer.text
        return dict(answer.json())

    def _ended(self, operation: Json) -> Json | None:
        try:
            now = self.checked(self.api.get(operation["links"]["self"]))
        except httpx.TransportError:
            return None  # the web process is being restarted
        return now if now["finished_at"] or now["state"] == "stuck" else None


@contextmanager
def new_customer(system: System, name: str) -> Iterator[Customer]:
    """Register, log in and make a tenant."""
    person = {"email": f"{name}@example.com", "password": "a long pass phrase"}
    with httpx.Client(base_url=system.base, timeout=30) as api:
        Customer.checked(api.post("/api/v1/auth/register", json=person))
        tokens = Customer.checked(api.post("/api/v1/auth/login", json=person))
        api.headers["Authorization"] = f"Bearer {tokens['access']}"
        yield Customer(api=api, tenant=Customer.checked(api.post("/api/v1/tenants", json={"name": name})))
