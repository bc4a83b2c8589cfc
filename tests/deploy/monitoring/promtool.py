"""Evaluate our rules with Prometheus' own engine, on what was scraped from a running copy.

A test has two scrapes, from before and from after something went wrong. Gauges stay as they were last seen; counters go on rising by as
much in every minute as they rose from the one scrape to the other: the trouble goes on.
"""

import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.commands import ROOT
from tests.deploy.monitoring import promql
from tests.deploy.monitoring.scrape import Scrape, Series

RULES = ROOT / "deploy/prometheus/rules.yml"
_MINUTES_MORE = 10
_SILENT = re.compile(r"got:\[?\s*(?:Labels:)?\s*\{\} 0E?\+?0*\s*\]?")
"""How promtool says that the count of firing alerts is 0."""


def promtool() -> str:
    """Return the program; a test that needs it is skipped where it is not to be had."""
    found = shutil.which("promtool", path=str(Path(sys.executable).parent)) or shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: `sh scripts/get-promtool` says why; the alert rules are NOT checked")
    return found


def run_promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it, in the project's folder."""
    return subprocess.run([promtool(), *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def rules() -> list[dict[str, Any]]:
    """Return every rule of every group."""
    document = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def is_firing(alert: str, folder: Path, *, before: Scrape, after: Scrape) -> bool:
    """Tell whether the alert fires once the trouble has gone on for as long as the alert waits, and some minutes more.

    Raises: AssertionError — promtool could not evaluate the rules.
    """
    minutes = _minutes(alerts()[alert].get("for", "0m")) + _MINUTES_MORE
    expected = {
        "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) > bool 0 or vector(0)',
        "eval_time": f"{minutes}m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    recorded = _recorded(before, after, minutes)
    test = {"interval": "1m", "input_series": recorded, "promql_expr_test": [expected]}
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}
    path = folder / "expects.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    done = run_promtool("test", "rules", str(path))
    told = done.stdout + done.stderr
    assert done.returncode == 0 or _SILENT.search(told), told
    return done.returncode == 0


def _minutes(duration: str) -> int:
    return int(duration[:-1]) * {"m": 1, "h": 60}[duration[-1]]


def _recorded(before: Scrape, after: Scrape, minutes: int) -> list[dict[str, str]]:
    used = {name for rule in rules() for name in promql.names_in(rule["expr"])}
    old = before.of(used)
    return [
        {"series": str(series), "values": _values(series, old.get(series, 0.0), value, minutes)}
        for series, value in after.of(used).items()
    ]


def _values(series: Series, begin: float, value: float, minutes: int) -> str:
    if series.rises:
        return f"{_number(begin)}+{_number(value - begin)}x{minutes}"
    return f"{_number(value)}x{minutes}" if math.isfinite(value) else " ".join(["Inf"] * (minutes + 1))


def _number(value: float) -> str:
    return f"{value:.6f}"
