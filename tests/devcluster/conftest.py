"""Pocket clusters for tests: one API server per session, and fresh ones for tests that restart or harm theirs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

START_SECONDS = 20.0


@dataclass
class ApiServer:
    """A running API server of its own process; with an empty command the operator runs too."""

    data_dir: Path
    arguments: tuple[str, ...] = ()
    command: str = "apiserver"
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def kubeconfig(self) -> Path:
        """Give the administrator's kubeconfig."""
        return self.data_dir / "kubeconfig"

    @property
    def url(self) -> str:
        """Give the server's address, from the kubeconfig."""
        return str(yaml.safe_load(self.kubeconfig.read_bytes())["clusters"][0]["cluster"]["server"])

    @property
    def token(self) -> str:
        """Give the administrator's token."""
        return str(yaml.safe_load(self.kubeconfig.read_bytes())["users"][0]["user"]["token"])

    @property
    def ca_file(self) -> Path:
        """Give the certificate that the server's own is signed with."""
        return self.data_dir / "ca.crt"

    def start(self, port: int = 0) -> None:
        """Start the server and wait until it has written the kubeconfig, which it does when it listens."""
        self.kubeconfig.unlink(missing_ok=True)
        command = [self.command] if self.command else []
        line = [sys.executable, "-m", "devcluster", *command, "--data-dir", str(self.data_dir), "--port", str(port)]
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        self._process = subprocess.Popen([*line, *self.arguments], env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self.kubeconfig.exists():
            assert self._process.poll() is None, "the API server ended while starting"
            assert time.monotonic() < deadline, "the API server did not start in time"
            time.sleep(0.02)

    def stop(self, *, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop the server and give its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(START_SECONDS)
        self._process = None
        return code

    @property
    def is_running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give the session's cluster: compact CRDs, faults allowed; tests keep apart by namespaces of their own."""
    server = ApiServer(tmp_path_factory.mktemp("cluster"), ("--faults",))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def fresh_cluster(tmp_path: Path) -> Iterator[Callable[..., ApiServer]]:
    """Give a function that starts clusters of the test's own, with further arguments for the command line."""
    started: list[ApiServer] = []

    def start(*arguments: str) -> ApiServer:
        server = ApiServer(tmp_path / f"cluster{len(started)}", arguments)
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        if server.is_running:
            server.stop()
