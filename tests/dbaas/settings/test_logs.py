"""That a log line is readable by people on a laptop and by machines in production, and holds no secret in either."""

import json
import re
from typing import Any

import pytest

from dbaas.settings.logs import redact_event
from tests.dbaas.settings.conftest import ENOUGH, Python, run_python

SAY_IT_ALL = """
import logging, django, structlog
django.setup()
library, ours = logging.getLogger("some.library"), structlog.get_logger("ours")
library.warning("connecting to redis://:%s@broker", "canary-1")
library.warning("got %s", {"password": "canary-2"})
ours.warning("hello", url="postgresql://bob:canary-3@db/x", password="canary-4", body={"nested": [{"token": "canary-5"}]}, count=3)
ours.warning("object", thing=ValueError("secret=canary-6"), lease_token=7)

def deep(n):
    if n == 0:
        raise RuntimeError("api_key=canary-7 " + "x" * 3000 + " THE END")
    deep(n - 1)

try:
    deep(3)
except RuntimeError:
    library.exception("library failed")
    ours.exception("ours failed")
"""
WORDS = ["connecting to", "got", "hello", "object", "library failed", "ours failed"]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a process in production."""
    environment = {**ENOUGH, "DBAAS_DATA_DIR": str(tmp_path_factory.mktemp("logs"))}
    ran = run_python("-c", SAY_IT_ALL, environment=environment)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert re.findall("canary-.", ran.stderr) == []
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_that_no_secret_reaches_a_log_line_on_a_laptop(python: Python) -> None:
    ran = python("-c", SAY_IT_ALL, **ENOUGH, LOG_FORMAT="console", LOG_LEVEL="WARNING")

    assert ran.returncode == 0, ran.stderr
    assert [word for word in WORDS if word not in ran.stderr] == []
    assert re.findall("canary-.", ran.stderr) == []
    assert ran.stdout == ""


def test_that_production_speaks_json_line_by_line_without_secrets(said: list[dict[str, Any]]) -> None:
    lines = said

    assert [line["event"].split(" redis")[0].split(" {")[0] for line in lines] == WORDS
    assert all({"event", "level", "logger", "timestamp"} <= line.keys() for line in lines)
    assert (lines[2]["logger"], lines[2]["level"], lines[2]["count"]) == ("ours", "warning", 3)
    assert lines[3]["lease_token"] == 7


def test_that_a_traceback_is_told_to_its_end(said: list[dict[str, Any]]) -> None:
    assert [line["exception"].endswith("THE END") for line in said[4:]] == [True, True]


def test_that_the_level_is_kept_to(python: Python) -> None:
    assert python("-c", SAY_IT_ALL, **ENOUGH, LOG_LEVEL="ERROR").stderr.count('"event"') == 2


def test_that_values_are_cleaned_by_look_and_by_name_however_deep() -> None:
    event = {"url": "redis://:canary@h", "api_key": "canary", "a": {"b": [("token=canary",), {"secret": ["canary"]}]}}

    cleaned = redact_event(None, "info", event)

    assert "canary" not in str(cleaned)
    assert cleaned["a"]["b"][1] == {"secret": "***"}


def test_that_what_the_machinery_needs_is_left_alone() -> None:
    record = object()

    assert redact_event(None, "info", {"_record": record, "ok": True, "none": None}) == {
        "_record": record,
        "ok": True,
        "none": None,
    }
