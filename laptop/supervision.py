"""Start everything under supervisord, wait until it answers, and stop it again."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from laptop.environment import ADMIN_EMAIL, write_environment
from laptop.layout import ROOT, CannotStart, Layout, require_free_ports
from laptop.programs import Program, programs_of, supervisor_configuration

START_SECONDS = 60.0
STOP_SECONDS = 60.0
_LONGEST_SOCKET_PATH = 100
"""Linux allows 107 characters; supervisord adds its process id."""

Say = Callable[[str], None]


@dataclass(kw_only=True)
class System:
    """A running copy of the system."""

    layout: Layout
    supervisor: subprocess.Popen[bytes]
    admin_password: str

    def stop(self) -> None:
        """End every process that was started, in order; returns once they are gone."""
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.supervisor.wait(STOP_SECONDS)

    def wait(self) -> int:
        """Block until supervisord ends by itself."""
        return self.supervisor.wait()


def start(layout: Layout, say: Say) -> System:
    """Prepare the folder, start every process and wait until all of them answer; `say` gets one line per stage.

    Raises: CannotStart — a port is in use, another copy runs in this folder, or a process does not come up.
    """
    require_not_running(layout)
    require_free_ports(layout)
    for folder in (layout.data_dir, layout.log_dir, layout.cluster_dir, layout.data_dir / "static"):
        folder.mkdir(parents=True, exist_ok=True)
    values = write_environment(layout)
    layout.kubeconfig.unlink(missing_ok=True)
    say("Preparing the metadata database")
    programs = programs_of(layout, values)
    configuration = layout.data_dir / "supervisord.conf"
    configuration.write_text(supervisor_configuration(layout, programs, socket_path(layout)), encoding="utf-8")
    configuration.chmod(0o600)
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)],
        cwd=ROOT,
        env=child_environment(layout),
        start_new_session=True,
        stdin=subprocess.DEVNULL,
    )
    system = System(layout=layout, supervisor=supervisor, admin_password=values["ADMIN_PASSWORD"])
    try:
        _prepare(layout, values)
        _start_product(layout, programs)
        _wait_until_up(system, say)
    except BaseException:
        system.stop()
        raise
    return system


def running_pid(layout: Layout) -> int | None:
    """Return the process id of the supervisord that runs in this folder, if one does."""
    try:
        pid = int((layout.data_dir / "supervisord.pid").read_text(encoding="utf-8"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").is_dir() else b"supervisord"
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if b"supervisord" in command else None


def require_not_running(layout: Layout) -> None:
    """Check that no other copy runs in this folder.

    Raises: CannotStart — one does; says where it answers.
    """
    pid = running_pid(layout)
    if pid is not None:
        raise CannotStart(
            f"A copy runs in {layout.data_dir} already (process {pid}): use it, stop it with `make stop`, "
            "or start another with its own DBAAS_DATA_DIR, PORT, FLOWER_PORT and KUBE_PORT."
        )


def child_environment(layout: Layout) -> dict[str, str]:
    """Return the environment in which every process of this copy runs."""
    return {
        **os.environ,
        "DBAAS_DATA_DIR": str(layout.data_dir),
        "DJANGO_SETTINGS_MODULE": "dbaas.settings.development",
        "PYTHONUNBUFFERED": "1",
        "PROMETHEUS_MULTIPROC_DIR": str(_fresh_metrics_dir(layout)),
    }


def _fresh_metrics_dir(layout: Layout) -> Path:
    folder = layout.data_dir / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    if running_pid(layout) is None:
        for leftover in folder.glob("*.db"):
            leftover.unlink(missing_ok=True)
    return folder


def _prepare(layout: Layout, values: dict[str, str]) -> None:
    """Bring the metadata database up to date, make the operator's account, and register the pocket cluster."""
    command = [sys.executable, str(ROOT / "manage.py"), "prepare_laptop", "--kubeconfig", str(layout.kubeconfig)]
    command += ["--operator-email", ADMIN_EMAIL, "--operator-password-env", "ADMIN_PASSWORD"]
    environment = {**child_environment(layout), "ADMIN_PASSWORD": values["ADMIN_PASSWORD"]}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(
            f"The metadata database could not be prepared:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )


def _start_product(layout: Layout, programs: list[Program]) -> None:
    with control(layout) as remote:
        for program in programs:
            if program.needs_database:
                remote.startProcess(program.name, False)


def _wait_until_up(system: System, say: Say) -> None:
    layout = system.layout
    deadline = time.monotonic() + START_SECONDS
    stages: list[tuple[str, str, str]] = [
        ("the pocket cluster", "cluster-api", "kubeconfig"),
        ("the API and its parts", "web", f"{layout.web_url}/health/ready"),
        ("Flower", "flower", f"{layout.flower_url}/healthcheck"),
    ]
    for title, program, address in stages:
        say(f"Starting {title}")
        while not (layout.kubeconfig.is_file() if address == "kubeconfig" else answers(address)):
            if system.supervisor.poll() is not None or time.monotonic() > deadline:
                log = layout.log_dir / f"{program}.log"
                raise CannotStart(
                    f"{title.capitalize()} did not come up within {START_SECONDS:.0f} s; its log: {log}\n{_tail(log)}"
                )
            time.sleep(0.1)


def answers(url: str) -> bool:
    """Tell whether the address answers, and (where it says more) that nothing is degraded."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 -- our own http address
            body = answer.read()
    except OSError:
        return False
    return b'"status"' not in body or json.loads(body)["status"] == "ok"


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    except OSError:
        return "(no log)"


@contextlib.contextmanager
def control(layout: Layout) -> Iterator[Any]:
    """Give supervisord's remote control: `getProcessInfo(name)`, `startProcess(name)`, `stopProcess(name)`, ..."""
    transport = SupervisorTransport(None, None, f"unix://{socket_path(layout)}")
    try:
        yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
    finally:
        transport.close()


def socket_path(layout: Layout) -> Path:
    """Return where supervisord listens: in the data folder, or in the system's scratch folder where that path would be too long."""
    wanted = layout.data_dir / "supervisor.sock"
    if len(str(wanted)) <= _LONGEST_SOCKET_PATH:
        return wanted
    digest = hashlib.sha256(str(layout.data_dir).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"dbaas-{os.getuid()}-{digest}.sock"
