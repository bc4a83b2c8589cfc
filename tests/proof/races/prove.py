"""Prove that whoever races, exactly one wins: real threads on PostgreSQL, and on SQLite, whose writers queue."""

import tempfile
import time
from pathlib import Path

from tests.proof.crashes.prove import run_tests
from tests.proof.crashes.record import Tally, read
from tests.proof.crashes.servers import NotHere, postgresql, sqlite
from tests.proof.report import Result, Scale

LAYER = "races"
TIMES = {Scale.CI: 1, Scale.LONG: 20}
"""How often all races are run: a race that is lost once in ten times is lost."""


def prove(scale: Scale) -> list[Result]:
    """Run all races on each database."""
    return [_prove_on("SQLite", scale), _prove_on("PostgreSQL", scale)]


def _prove_on(name: str, scale: Scale) -> Result:
    began = time.monotonic()
    server = {"SQLite": sqlite, "PostgreSQL": postgresql}[name]
    tally, failure = Tally(), ""
    try:
        with server() as url, tempfile.TemporaryDirectory() as folder:
            results = Path(folder, "results")
            for _ in range(TIMES[scale]):
                failure = failure or run_tests(Path(__file__).parent, url, results, scale)
            tally = read(results).get(LAYER, tally)
    except NotHere as why:
        return Result(layer=LAYER, what=name, tried=0, skipped=str(why))
    violations = tally.violations or ([failure] if failure else [])
    seconds = time.monotonic() - began
    return Result(layer=LAYER, what=name, tried=tally.tried, violations=violations, seconds=seconds)
