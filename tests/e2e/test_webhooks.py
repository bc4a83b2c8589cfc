"""That real processes tell a tenant's own system what happens, signed, also when the one that sends is killed."""

import time

import pytest

from tests.e2e.receiver import Receiver, receiver
from tests.e2e.system import Customer, Json, System, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]


def webhook_to(customer: Customer, there: Receiver, *events: str) -> Json:
    path = f"/api/v1/tenants/{customer.tenant['id']}/webhooks"
    return customer.checked(customer.api.post(path, json={"url": there.url, "events": events or ["*"]}))


def test_that_a_tenant_s_system_is_told_of_an_order(customer: Customer) -> None:
    with receiver() as there:
        webhook = webhook_to(customer, there, "operation.*", "database.*")
        operation = customer.follow(customer.order("told", "redis", plan="micro"))
        wait_until("all of it came", lambda: len(there.received) >= 3)
        messages = there.verified(webhook["secret"])

    assert sorted(there.types()) == ["database.ready", "operation.accepted", "operation.succeeded"]
    ended = next(message for message in messages if message["type"] == "operation.succeeded")
    assert ended["data"]["operation"]["id"] == operation["id"]
    events = customer.api.get(f"/api/v1/databases/{operation['database']['id']}/events", params={"limit": 200})
    assert ended["id"] in {event["id"] for event in events.json()["items"]}


def test_that_nothing_is_lost_when_the_sender_is_killed(system: System, customer: Customer) -> None:
    with receiver() as there:
        webhook = webhook_to(customer, there)
        path = f"/api/v1/tenants/{customer.tenant['id']}/webhooks/{webhook['id']}"
        tests = []
        for _ in range(3):
            system.kill("webhooks")
            tests.append(customer.checked(customer.api.post(f"{path}/test")))
        wait_until(
            "every test came",
            lambda: {one["event"] for one in tests} <= {event["id"] for event in _all(there, webhook)},
        )
        delivered = [
            wait_until("the log says so", lambda one=one: _delivered(customer, f"{path}/deliveries/{one['id']}"))  # type: ignore[misc]
            for one in tests
        ]

    assert [one["last_status"] for one in delivered] == [204, 204, 204]


def test_that_a_slow_receiver_does_not_hold_up_another(customer: Customer) -> None:
    with receiver() as slow, receiver() as quick:
        slow.delay_seconds = 4.0
        base = f"/api/v1/tenants/{customer.tenant['id']}/webhooks"
        crowded, free = webhook_to(customer, slow), webhook_to(customer, quick)
        for _ in range(8):
            customer.checked(customer.api.post(f"{base}/{crowded['id']}/test"))
        wait_until("the slow one is being sent to", lambda: slow.received)
        for number in range(1, 4):
            began = time.monotonic()
            customer.checked(customer.api.post(f"{base}/{free['id']}/test"))
            wait_until("the quick one was told", lambda number=number: len(quick.received) == number)  # type: ignore[misc]

            assert time.monotonic() - began < slow.delay_seconds
        customer.api.delete(f"{base}/{crowded['id']}")


def _all(there: Receiver, webhook: Json) -> list[Json]:
    return there.verified(webhook["secret"])


def _delivered(customer: Customer, path: str) -> Json | None:
    found = customer.checked(customer.api.get(path))
    return found if found["state"] == "delivered" else None
