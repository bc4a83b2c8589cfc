"""That every engine goes from an order to a ready database, to its credentials, to nothing left: over the API, by real processes."""

from datetime import datetime
from typing import Any

import psycopg
import pytest
import redis

from provisioning.engines import all_engines
from tests.devcluster.kubectl import run as kubectl
from tests.e2e.system import Customer, Json, System

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("system")]

KINDS = {"postgres": "pg", "redis": "rd", "mysql": "my", "mongodb": "mg", "elasticsearch": "es"}


def rows_of(system: System, kind: str) -> str:
    return kubectl(system.kubeconfig, "get", kind, "-A", "--no-headers")


def query(engine: str, credentials: Json) -> Any:
    if engine == "postgres":
        with psycopg.connect(credentials["uri"], connect_timeout=5) as connection:
            return connection.execute("SELECT 40 + 2").fetchone()
    with redis.Redis.from_url(credentials["uri"], socket_timeout=5) as client:
        client.set("answer", 42)
        return (int(client.get("answer") or 0),)


@pytest.mark.parametrize("engine", list(all_engines()))
def test_that_an_engine_lives_and_leaves_nothing(system: System, customer: Customer, engine: str) -> None:
    ready = customer.follow(customer.order(f"my-{engine}", engine))

    database = customer.database(ready)
    assert (ready["state"], database["status"], database["phase"]) == ("succeeded", "ready", "Ready"), ready
    credentials = customer.credentials(database)
    assert credentials["password"] in credentials["uri"]
    assert credentials["port"] == database["endpoint"]["port"]
    assert "Ready" in rows_of(system, KINDS[engine])
    assert customer.quota()["databases"] == 1
    if not database["simulated"]:
        assert query(engine, credentials) == (42,)

    gone = customer.follow(customer.delete(database))

    assert (gone["state"], customer.database(gone)["status"]) == ("succeeded", "deleted"), gone
    assert set(customer.quota().values()) == {0}
    assert customer.tenant["namespace"] not in rows_of(system, KINDS[engine])


def test_that_postgres_and_redis_are_real(system: System, customer: Customer) -> None:
    del system
    found = [
        customer.database(customer.follow(customer.order(f"real-{engine}", engine))) for engine in ("postgres", "redis")
    ]

    assert [database["simulated"] for database in found] == [False, False]
    assert [database["running_version"].split()[0] for database in found] == ["PostgreSQL", "Valkey"]


def test_that_postgres_is_ready_within_ten_seconds(customer: Customer) -> None:
    operation = customer.follow(customer.order("quick"))

    took = [line["at"] for line in operation["timeline"] if line["event"] in ("accepted", "succeeded")]
    assert operation["state"] == "succeeded"
    assert seconds_between(*took) < 10


def seconds_between(first: str, last: str) -> float:
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
