"""The metadata databases that proofs run on: each is started for the proof, in a temporary folder, and ends with it."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import util
from pathlib import Path

from laptop.layout import HOST, ROOT
from tests.proof.storm.metadata import MetadataDatabase, NoServer, newest_server

START_SECONDS = 30.0


class NotHere(Exception):
    """The server is not installed here; the message says what is missing."""


@contextmanager
def sqlite() -> Iterator[str]:
    """Give the address of an empty SQLite file."""
    with tempfile.TemporaryDirectory(prefix="proof-") as folder:
        yield f"sqlite:///{folder}/proof.sqlite3"


@contextmanager
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL out of the wheel and give its address.

    Raises: NotHere.
    """
    try:
        newest_server()
    except NoServer as error:
        raise NotHere("no PostgreSQL is installed: see requirements-embedded.txt") from error
    with _folder() as folder:
        server = MetadataDatabase(folder / "files", free_port(), secrets.token_hex(16))
        server.create()
        with running(server.command, folder, server.answers, stop=signal.SIGINT):
            yield server.url


@contextmanager
def mongodb() -> Iterator[str]:
    """Start a server that speaks MongoDB's protocol and give its address.

    Raises: NotHere.
    """
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("secantusd-py", path=places)
    if util.find_spec("django_mongodb_backend") is None:
        raise NotHere("django-mongodb-backend is not installed: see requirements-mongodb.txt")
    if program is None:
        raise NotHere("no server for MongoDB's protocol is installed: pip install SecantusDB==0.7.0b3")
    port = free_port()
    with _folder() as folder:
        place = ["--host", HOST, "--port", str(port), "--storage-path", str(folder / "files"), "--cache-size", "128M"]
        with running([program, *place], folder, lambda: _answers(port)):
            _require_migrations(f"mongodb://{HOST}:{port}/trial")
            yield f"mongodb://{HOST}:{port}/dbaas"


def _require_migrations(url: str) -> None:
    """Check that the product's tables can be made there, contributed applications' included."""
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "dbaas.settings.test"}
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        said = [line.strip() for line in ran.stderr.splitlines() if line.strip() and "HINT" not in line]
        why = next((line for line in said if "(mongodb." in line), said[-1])
        raise NotHere(f"the server runs, but `migrate` does not: {why[:200]}")


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="proof-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(
    command: list[str], folder: Path, answers: Callable[[], bool], *, stop: signal.Signals = signal.SIGTERM
) -> Iterator[None]:
    """Run a server for as long as the block lasts; its words go to `server.log` in the folder."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_for(process, answers, folder)
        yield
    finally:
        process.send_signal(stop)
        with suppress(subprocess.TimeoutExpired):
            process.wait(START_SECONDS)
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], answers: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotHere(f"the server did not start: {(folder / 'server.log').read_text()[-500:]}")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0
