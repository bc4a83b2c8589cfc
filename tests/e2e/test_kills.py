"""That no accepted operation is lost, doubled or stuck, whatever process is killed or frozen: with real processes and real signals."""

import time

import httpx
import pytest

from laptop.programs import WORKER_PROCESSES
from provisioning.lease import CLOCK_SKEW, LEASE
from tests.devcluster.kubectl import run as kubectl
from tests.e2e.system import Customer, Json, System, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]

AFTER_A_LEASE = (LEASE + CLOCK_SKEW).total_seconds() + 5


def objects_of(system: System, customer: Customer) -> list[str]:
    listed = kubectl(system.kubeconfig, "get", "pg", "-n", customer.tenant["namespace"], "-o", "name")
    return listed.split()


def require_ready_once(system: System, customer: Customer, operation: Json) -> None:
    ended = customer.follow(operation, AFTER_A_LEASE)
    assert ended["state"] == "succeeded", ended
    assert customer.database(ended)["status"] == "ready"
    assert len(objects_of(system, customer)) == 1
    assert customer.quota()["databases"] == 1
    assert [line["event"] for line in ended["timeline"]].count("succeeded") == 1


@pytest.mark.parametrize("pause_seconds", [0.0, 0.15])
@pytest.mark.parametrize("program", ["beat", "watcher", "web", "cluster-operator", "cluster-api", "broker"])
def test_that_a_provision_ends_ready_whatever_is_killed(
    system: System, customer: Customer, program: str, pause_seconds: float
) -> None:
    operation = customer.order("orders")
    time.sleep(pause_seconds)  # so that the blow falls at different moments; nothing is waited for

    system.kill(program)

    require_ready_once(system, customer, operation)


def test_that_operations_of_a_killed_worker_go_on_when_its_leases_end(system: System, customer: Customer) -> None:
    with system.frozen("cluster-api"):
        orders = [customer.order(f"orders-{number}") for number in range(4)]
        wait_until("workers are in the middle of calls", lambda: attempts(customer) >= WORKER_PROCESSES)
        system.kill("worker")
        system.pid("worker")
    back_at = time.monotonic()

    ended = [customer.follow(operation, AFTER_A_LEASE) for operation in orders]

    assert time.monotonic() - back_at < AFTER_A_LEASE
    assert [operation["state"] for operation in ended] == ["succeeded"] * 4
    assert len(objects_of(system, customer)) == customer.quota()["databases"] == 4


def test_that_a_frozen_broker_costs_a_request_little_and_the_order_is_carried_out_later(
    system: System, customer: Customer
) -> None:
    usual = min(timed_order(customer, f"usual-{number}") for number in range(2))

    with system.frozen("broker"):
        slowed = timed_order(customer, "orders")

    assert slowed - usual < 0.6
    ended = [customer.follow(operation) for operation in operations_of(customer)]
    assert {operation["state"] for operation in ended} == {"succeeded"}


def test_that_orders_are_accepted_while_nothing_else_runs(system: System, customer: Customer) -> None:
    with system.frozen("worker"), system.frozen("beat"), system.frozen("cluster-api"), system.frozen("broker"):
        operation = customer.order("orders")

    require_ready_once(system, customer, operation)


def test_that_a_killed_web_process_forgets_nobody(system: System, customer: Customer) -> None:
    address = f"/api/v1/tenants/{customer.tenant['id']}"

    system.kill("web")

    wait_until("the API answers again", lambda: is_answered(customer))
    assert customer.checked(customer.api.get(address))["name"] == customer.tenant["name"]


def attempts(customer: Customer) -> int:
    return sum(operation["attempt"] > 0 for operation in operations_of(customer))


def timed_order(customer: Customer, name: str) -> float:
    began = time.monotonic()
    customer.order(name)
    return time.monotonic() - began


def operations_of(customer: Customer) -> list[Json]:
    return list(customer.checked(customer.api.get("/api/v1/operations"))["items"])


def is_answered(customer: Customer) -> bool:
    try:
        return customer.api.get("/health/live").is_success
    except httpx.TransportError:
        return False
