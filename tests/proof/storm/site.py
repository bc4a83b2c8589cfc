"""A whole system in a folder of its own, with two of everything that may be doubled: started, hurt, and removed without a trace."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from laptop.environment import ADMIN_EMAIL, write_environment
from laptop.layout import ROOT, Layout, layout_from
from laptop.programs import Program, programs_of
from laptop.supervision import answers
from provisioning.cluster.client import Gateway, Reach
from tests.proof.storm.metadata import MetadataDatabase
from tests.proof.storm.supervising import Supervisor, Unit, processes_about

CANARY = "canary0bird"
"""Part of every secret that we choose: found anywhere that is read by people, it is a leak."""

WORKERS = ("worker-1", "worker-2")
BEATS = ("beat-1", "beat-2")
WATCHERS = ("watcher-1", "watcher-2")
PRODUCT = (*WORKERS, *BEATS, *WATCHERS, "web")
_STARTS_WITHIN_SECONDS = 90.0
_STOP_ORDER = (PRODUCT, ("cluster-operator",), ("cluster-api", "broker", "metadata"))


class NotInTime(Exception):
    """Something that was waited for has not happened."""


def wait_until(what: str, is_so: Callable[[], Any], seconds: float, *, again_in: float = 0.1) -> Any:
    """Look again and again until it is so, and return what the look gave.

    Raises: NotInTime.
    """
    deadline = time.monotonic() + seconds
    while not (found := is_so()):
        if time.monotonic() > deadline:
            raise NotInTime(f"not within {seconds:.0f} s: {what}")
        time.sleep(again_in)
    return found


@dataclass(kw_only=True)
class Site:
    """A running system."""

    folder: Path
    layout: Layout
    values: dict[str, str]
    """What its dbaas.env holds."""
    database: MetadataDatabase
    supervisor: Supervisor
    lease_seconds: int
    slots: int
    """Child processes of each worker."""

    @classmethod
    def prepare(cls, *, lease_seconds: int, slots: int = 2) -> Self:
        """Choose a folder, ports and secrets; nothing runs yet."""
        folder = Path(tempfile.mkdtemp(prefix="storm-"))
        free = dict.fromkeys(("PORT", "FLOWER_PORT", "KUBE_PORT", "BROKER_PORT"), "0")
        layout = layout_from({"DBAAS_DATA_DIR": str(folder), **free})
        for one in (layout.log_dir, layout.cluster_dir, folder / "metrics", folder / "static"):
            one.mkdir()
        _choose_secrets(layout)
        values = write_environment(layout)
        database = MetadataDatabase(folder / "metadata", _free_port(), _secret())
        return cls(
            folder=folder,
            layout=layout,
            values=values,
            database=database,
            supervisor=Supervisor(layout.log_dir, ROOT),
            lease_seconds=lease_seconds,
            slots=slots,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment in which every process of it runs."""
        return {
            **os.environ,
            "DBAAS_DATA_DIR": str(self.folder),
            "DJANGO_SETTINGS_MODULE": "dbaas.settings.development",
            "DATABASE_URL": self.database.url,
            "LEASE_SECONDS": str(self.lease_seconds),
            "PYTHONUNBUFFERED": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / "metrics"),
        }

    @property
    def secrets(self) -> set[str]:
        """Return the secrets that its processes were given."""
        kept = (
            "SECRET_KEY",
            "JWT_SIGNING_KEY",
            "API_KEY_PEPPER",
            "ENCRYPTION_KEYS",
            "BROKER_PASSWORD",
            "ADMIN_PASSWORD",
        )
        return {self.values[name] for name in kept} | {self.database.url.split("@")[0].rpartition(":")[2]}

    def start(self) -> None:
        """Start everything and wait until all of it answers.

        Raises: NotInTime.
        """
        self.database.create()
        self._add("metadata", self.database.command)
        programs = {program.name: program for program in programs_of(self.layout, self.values)}
        _forget_persistence(self.folder / "broker" / "valkey.conf")
        self._add_program(programs["broker"])
        self._add_program(programs["cluster-api"], more=("--faults",))
        wait_until("the pocket cluster is up", self.layout.kubeconfig.is_file, _STARTS_WITHIN_SECONDS)
        wait_until("the metadata database is up", self.database.answers, _STARTS_WITHIN_SECONDS)
        self._add_program(programs["cluster-operator"])
        self.manage("prepare_laptop", "--kubeconfig", str(self.layout.kubeconfig), *_OPERATOR)
        self._add_program(programs["web"])
        for name in WORKERS:
            self._add_program(programs["worker"], name=name, more=self._worker_options(name))
        for name in BEATS:
            self._add_program(programs["beat"], name=name, more=("--schedule", str(self.folder / name)))
        for name in WATCHERS:
            self._add_program(programs["watcher"], name=name)
        wait_until("the system is up", self.is_well, _STARTS_WITHIN_SECONDS, again_in=0.5)

    def manage(self, *command: str) -> str:
        """Run a command of manage.py and return what it printed."""
        environment = {**self.environment, "ADMIN_PASSWORD": self.values["ADMIN_PASSWORD"]}
        line = [sys.executable, str(ROOT / "manage.py"), *command]
        done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise NotInTime(f"{command[0]} failed: {done.stderr[-2000:]}")
        return done.stdout

    def is_well(self) -> bool:
        """Tell whether the API answers and every part has been heard of lately."""
        return answers(f"{self.layout.web_url}/health/ready")

    def gateway(self) -> Gateway:
        """Return a gateway of our own to the pocket cluster."""
        return Gateway(Reach(kubeconfig_path=str(self.layout.kubeconfig)))

    def restart_workers(self, **environment: str) -> None:
        """Kill the workers, which are started anew with these variables set as well."""
        for name in WORKERS:
            unit = self.supervisor.units[name]
            unit.environment = {**self.environment, "REMAP_SIGTERM": "SIGQUIT", **environment}
            self.supervisor.kill(name)

    def stop(self) -> None:
        """End every process; a group at a time, and then whatever a killed parent has left behind."""
        self.supervisor.stop(_STOP_ORDER)
        deadline = time.monotonic() + 10
        while (left := processes_about(self.folder)) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def remove(self) -> None:
        """Remove its folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _worker_options(self, name: str) -> tuple[str, ...]:
        return ("--concurrency", str(self.slots), "--hostname", f"{name}@storm")

    def _add_program(self, program: Program, *, name: str = "", more: tuple[str, ...] = ()) -> None:
        """Start one of the launcher's programs; of an option that is given twice the last one counts."""
        self._add(name or program.name, [*program.command, *more], program.stop_seconds, **program.environment)

    def _add(self, name: str, command: list[str], stop_seconds: float = 10.0, **environment: str) -> None:
        self.supervisor.add(
            Unit(
                name=name,
                command=command,
                environment={**self.environment, **environment},
                folder=self.folder,
                stop_seconds=stop_seconds,
            )
        )


_OPERATOR = ("--operator-email", ADMIN_EMAIL, "--operator-password-env", "ADMIN_PASSWORD")


def _choose_secrets(layout: Layout) -> None:
    names = ("SECRET_KEY", "JWT_SIGNING_KEY", "API_KEY_PEPPER", "ENCRYPTION_KEYS", "BROKER_PASSWORD", "ADMIN_PASSWORD")
    layout.environment_file.touch(mode=0o600)
    layout.environment_file.write_text("".join(f"{name}={_secret()}\n" for name in names), encoding="utf-8")


def _secret() -> str:
    return f"{CANARY}{secrets.token_hex(16)}"


def _free_port() -> int:
    return layout_from({"PORT": "0"}).web_port


def _forget_persistence(configuration: Path) -> None:
    """Let the broker keep nothing: when it is killed, every message is lost."""
    text = configuration.read_text(encoding="utf-8")
    configuration.write_text(text.replace("appendonly yes", "appendonly no"), encoding="utf-8")
