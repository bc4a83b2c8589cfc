"""That the system keeps to its budget: what it adds to the cluster's own time, and what it costs while nothing happens."""

import statistics
from datetime import datetime

import pytest

from laptop.cpu import idle_cpu_percent
from laptop.supervision import running_pid
from tests.e2e.system import Customer, Json, System

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]

OVERHEAD_P95_SECONDS = 2.0
IDLE_CPU_PERCENT = 5.0


def overhead_seconds(operation: Json) -> float:
    times = [datetime.fromisoformat(line["at"]) for line in operation["timeline"]]
    waits = [line for line in operation["timeline"] if (line["step"], line["event"]) == ("wait_until_ready", "done")]
    waited_ms: int = sum(line["duration_ms"] for line in waits)
    return (times[-1] - times[0]).total_seconds() - waited_ms / 1000


def test_that_orchestration_adds_little_to_the_cluster_s_own_time(customer: Customer) -> None:
    ended = [customer.follow(customer.order(f"db-{number}", "redis", plan="micro")) for number in range(9)]

    overheads = [overhead_seconds(operation) for operation in ended]
    assert {operation["state"] for operation in ended} == {"succeeded"}
    assert statistics.quantiles(overheads, n=20)[-1] < OVERHEAD_P95_SECONDS, overheads


def test_that_an_idle_system_costs_little(system: System) -> None:
    supervisor = running_pid(system.layout)
    assert supervisor is not None

    assert idle_cpu_percent(supervisor, seconds=8.0) < IDLE_CPU_PERCENT
