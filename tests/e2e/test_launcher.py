"""That one command starts everything, says clearly what is in its way, stops everything it started, and keeps what was made."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from tests.e2e.system import System, new_customer, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("launcher")]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def test_that_ctrl_c_stops_everything_and_a_restart_keeps_everything(own_system: System) -> None:
    own_system.start()
    with new_customer(own_system, "keeper") as customer:
        database = customer.database(customer.follow(customer.order("kept")))
        uri = customer.credentials(database)["uri"]
        token = customer.api.headers["Authorization"]
    run_sql(uri, "CREATE TABLE kept AS SELECT 7 AS number")
    pids = own_system.pids()
    again = own_system.run("run")
    mode = (own_system.data_dir / "dbaas.env").stat().st_mode & 0o777

    printed = own_system.interrupt()

    assert "Everything is stopped" in printed
    assert [name for name, pid in pids.items() if is_alive(pid)] == []
    assert (again.returncode, "A copy runs in" in again.stdout) == (1, True)
    assert "Traceback" not in again.stdout + again.stderr + printed
    assert mode == 0o600

    own_system.start()

    wait_until("the server is back", lambda: can_connect(uri))
    assert run_sql(uri, "SELECT number FROM kept") == [(7,)]
    address = f"{own_system.base}/api/v1/databases/{database['id']}"
    assert httpx.get(address, headers={"Authorization": token}).json()["status"] == "ready"
    assert "Everything is stopped." in own_system.run("stop").stdout
    assert own_system.launcher is not None
    assert own_system.launcher.communicate(timeout=60)
    assert own_system.launcher.returncode == 0


def run_sql(uri: str, statement: LiteralString) -> list[Any] | None:
    with psycopg.connect(uri) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if statement.startswith("SELECT") else None


def can_connect(uri: str) -> bool:
    try:
        psycopg.connect(uri, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_that_the_demo_tells_its_story_and_leaves_nothing_running(own_system: System) -> None:
    told = own_system.run("demo", "--exit")

    assert told.returncode == 0, told.stdout + told.stderr
    for word in ("ready after", "postgresql://postgres:", "PostgreSQL 17", "redis://", "Idle CPU", "overhead of ours"):
        assert word in told.stdout
    assert not (own_system.data_dir / "supervisord.pid").exists()


def test_that_a_port_in_use_is_one_clear_sentence(own_system: System) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run_with(own_system, PORT=str(port))

    assert refused[0] == 1
    assert f"Port {port} is in use" in refused[1]
    assert "Traceback" not in refused[1]


@pytest.mark.parametrize("value", ["web", "-1", "70000"])
def test_that_a_port_must_be_a_number(own_system: System, value: str) -> None:
    refused = run_with(own_system, PORT=value)

    assert refused == (1, f"Cannot start. PORT must be a port number, not '{value}'.\n")


def test_that_stop_without_a_running_copy_says_so(own_system: System) -> None:
    stopped = own_system.run("stop")

    assert (stopped.returncode, "Nothing runs in" in stopped.stdout) == (0, True)


def test_that_help_explains_the_commands(own_system: System) -> None:
    helped = own_system.run("--help")

    assert helped.returncode == 0
    assert all(word in helped.stdout for word in ("run", "demo", "stop", "DBAAS_DATA_DIR", "FLOWER_PORT"))


def run_with(system: System, **variables: str) -> tuple[int, str]:
    line = [sys.executable, "-m", "laptop", "run"]
    done = subprocess.run(
        line, env={**system.environment, **variables}, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr
