"""That a process without a web server shows its counters on a port of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from pytest_django import Settings

from dbaas.health.serving import serve_counters

SHOW = """
import django
django.setup()
from dbaas.health.serving import serve_counters
from prometheus_client import Counter
Counter("canary_served", "x").inc(3)
assert serve_counters()
input()
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def page_of(port: int, within_seconds: float = 20.0) -> str:
    """Return what the port shows, as soon as it does."""
    until = time.monotonic() + within_seconds
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/metrics").text
        except httpx.ConnectError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_that_nothing_is_served_unless_asked_for(settings: Settings) -> None:
    settings.METRICS_PORT = 0

    assert not serve_counters()


@pytest.mark.parametrize("is_shared", [False, True])
def test_that_counters_are_served_on_the_port(tmp_path: Path, is_shared: bool) -> None:
    port = free_port()
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} if is_shared else {}
    environment = {**os.environ, "METRICS_PORT": str(port), "DJANGO_SETTINGS_MODULE": "dbaas.settings.test", **shared}

    with subprocess.Popen([sys.executable, "-c", SHOW], env=environment, stdin=subprocess.PIPE) as process:
        try:
            page = page_of(port)
        finally:
            process.communicate(b"\n", timeout=20)

    assert "canary_served_total 3.0" in page
    assert "dbaas_oldest_due_seconds" not in page
