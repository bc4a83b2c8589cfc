"""Prove that every crash point is survived, on every metadata database that is installed: each in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from laptop.layout import ROOT
from tests.proof.crashes.record import RESULTS, SCALE, SHARE, Tally, read
from tests.proof.crashes.servers import NotHere, mongodb, postgresql, sqlite
from tests.proof.report import Result, Scale

LAYER = "crash points"
SECONDS = {Scale.CI: 900, Scale.LONG: 7200}
"""So long may one database take at the most."""

THREADS = "60"
"""Connections for the races, which are real threads: as many as PostgreSQL would give to several web processes."""

_SHARES = {
    Scale.CI: {"SQLite": 1, "PostgreSQL": 4, "MongoDB": 4},
    Scale.LONG: {"SQLite": 1, "PostgreSQL": 1, "MongoDB": 1},
}
"""Of so many cases one is tried: the product's part is the same on all, and CI has minutes."""

Server = Callable[[], AbstractContextManager[str]]
DATABASES: dict[str, Server] = {"SQLite": sqlite, "PostgreSQL": postgresql, "MongoDB": mongodb}


def prove(scale: Scale) -> list[Result]:
    """Strike every crash point, and sampled pairs of them, on one database after the other."""
    return [result for name, server in DATABASES.items() for result in _prove_on(name, server, scale)]


def _prove_on(name: str, server: Server, scale: Scale) -> list[Result]:
    began = time.monotonic()
    try:
        with server() as url, tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            failure = run_tests(Path(__file__).parent, url, results, scale, share=_SHARES[scale][name])
            sums = read(results)
    except NotHere as why:
        return [Result(layer=LAYER, what=name, tried=0, skipped=str(why))]
    if failure and not any(tally.violations for tally in sums.values()):
        sums.setdefault(LAYER, Tally()).violations.append(failure)
    seconds = (time.monotonic() - began) / max(len(sums), 1)
    return [
        Result(
            layer=LAYER,
            what=f"{name}: {what}{_told_share(_SHARES[scale][name])}",
            tried=tally.tried,
            faults=tally.faults,
            violations=tally.violations,
            seconds=seconds,
        )
        for what, tally in sums.items()
    ]


def _told_share(share: int) -> str:
    return f" (one in {share})" if share > 1 else ""


def run_tests(folder: Path, url: str, results: Path, scale: Scale, *, share: int = 1) -> str:
    """Run a folder's tests against that database and return what pytest said, or nothing where all passed."""
    ours = {
        "DATABASE_URL": url,
        "DATABASE_POOL_SIZE": THREADS,
        RESULTS: str(results),
        SCALE: str(scale),
        SHARE: str(share),
    }
    environment = {**os.environ, **ours}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "--tb=short", str(folder)]
    try:
        ran = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS[scale], check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took longer than {SECONDS[scale]} s"
    return "" if ran.returncode == 0 else f"pytest ended with {ran.returncode}: {ran.stdout[-1500:]}"
