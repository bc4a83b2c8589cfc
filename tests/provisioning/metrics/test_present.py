"""That the present moment is measured on real servers, through the Kubernetes API alone."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.core.cache import cache

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.ids import uuid7
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.ownership import DATABASE_ID
from provisioning.engines import all_engines
from provisioning.metric_names import MetricNames
from provisioning.metrics.present import Present, Target, measure
from tests.devcluster.operator.conftest import STORAGE, Namespace, PocketCluster

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("operated")]
ORDERS = UUID("01920000-0000-7000-8000-000000000002")
PATH = "/apis/kubedb.com/v1/namespaces"


@pytest.fixture(scope="module")
def shop(operated: PocketCluster) -> Namespace:
    """A namespace with a monitored PostgreSQL of one pod, `orders`, labelled as ours."""
    namespace = operated.namespace()
    resources = {"cpu": "250m", "memory": "512Mi"}
    container = {"name": "postgres", "resources": {"requests": resources, "limits": resources}}
    spec = {
        "version": "17.5",
        "storage": STORAGE,
        "deletionPolicy": "WipeOut",
        "monitor": {"agent": "prometheus.io/builtin"},
        "podTemplate": {"spec": {"containers": [container]}},
        "serviceTemplates": [{"alias": "primary", "spec": {"type": "NodePort"}}],
    }
    metadata = {"name": "orders", "labels": {DATABASE_ID: str(ORDERS)}}
    body = {"apiVersion": "kubedb.com/v1", "kind": "Postgres", "metadata": metadata, "spec": spec}
    namespace.client.post(f"{PATH}/{namespace.name}/postgreses", json=body).raise_for_status()
    namespace.wait_for_phase(f"{PATH}/{namespace.name}/postgreses/orders", "Ready")
    return namespace


@pytest.fixture
def gateway(operated: PocketCluster) -> Gateway:
    """The product's way to that cluster."""
    return Gateway(Reach(kubeconfig_path=str(operated.server.kubeconfig)))


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def look(gateway: Gateway, namespace: str, *, now: datetime, database_id: UUID = ORDERS) -> Present:
    names = all_engines()["postgres"].metrics or MetricNames()
    target = Target(database_id=database_id, namespace=namespace, object_name="orders", names=names)
    return measure(gateway, target, now=now)


def value(present: Present, name: str) -> float:
    """Return the one number of a metric."""
    ((_, number),) = present.curves[name].points
    return number


def work(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Let the server do something, and let it report that it did."""
    for _ in range(20):
        connection.execute("SELECT 1")
    connection.execute("SELECT pg_stat_force_next_flush()")


def test_that_everything_is_measured(gateway: Gateway, shop: Namespace) -> None:
    now = SYSTEM_CLOCK.now()
    with shop.connect("orders"):
        found = look(gateway, shop.name, now=now)

    assert found.missing == []
    # the coordinator has a memory limit and, as in KubeDB, none of CPU
    assert (value(found, "cpu_limit_millicores"), value(found, "memory_limit_mib")) == (250.0, 768.0)
    assert value(found, "cpu_used_millicores") >= 0
    assert 5 < value(found, "memory_used_mib") < 512
    assert value(found, "storage_total_gib") == 1.0
    assert 0 < value(found, "storage_used_gib") < 0.2
    assert value(found, "storage_free_gib") == pytest.approx(1.0 - value(found, "storage_used_gib"))
    assert value(found, "connections") >= 1
    assert value(found, "connections_max") == 51
    assert value(found, "replication_lag_seconds") == 0
    assert set(found.curves["storage_used_gib"].pods) == {"orders-0"}
    assert set(found.curves["memory_used_mib"].pods) == {"orders-0"}


def test_that_rates_need_an_earlier_reading(gateway: Gateway, shop: Namespace) -> None:
    now = SYSTEM_CLOCK.now()
    with shop.connect("orders") as connection:
        first = look(gateway, shop.name, now=now)
        work(connection)
        too_soon = look(gateway, shop.name, now=now + timedelta(milliseconds=500))
        deadline = time.monotonic() + 5
        later = look(gateway, shop.name, now=now + timedelta(seconds=10))
        while value(later, "operations_per_second") < 2 and time.monotonic() < deadline:
            work(connection)
            now += timedelta(seconds=10)
            later = look(gateway, shop.name, now=now + timedelta(seconds=10))

    assert not {"operations_per_second", "cache_hit_ratio"} & (set(first.curves) | set(too_soon.curves))
    assert value(later, "operations_per_second") >= 2
    assert 0 < value(later, "cache_hit_ratio") <= 1


def test_that_a_counter_that_began_anew_gives_no_rate(gateway: Gateway, shop: Namespace) -> None:
    now = SYSTEM_CLOCK.now()
    look(gateway, shop.name, now=now)
    kept = cache.get(f"metrics:{ORDERS}")
    cache.set(f"metrics:{ORDERS}", {**kept, "operations": kept["operations"] + 1e9})

    found = look(gateway, shop.name, now=now + timedelta(seconds=10))

    assert "operations_per_second" not in found.curves


def test_that_a_cache_that_nobody_used_has_no_ratio(gateway: Gateway, shop: Namespace) -> None:
    now = SYSTEM_CLOCK.now()
    look(gateway, shop.name, now=now)
    kept = cache.get(f"metrics:{ORDERS}")
    cache.set(f"metrics:{ORDERS}", {**kept, "hits": None})

    found = look(gateway, shop.name, now=now + timedelta(seconds=10))

    assert "cache_hit_ratio" not in found.curves
    assert "operations_per_second" in found.curves


def test_that_what_a_cluster_does_not_have_is_named(gateway: Gateway, operated: PocketCluster) -> None:
    empty = operated.namespace()

    found = look(gateway, empty.name, now=SYSTEM_CLOCK.now(), database_id=uuid7())

    assert found.missing == ["the database's exporter does not answer"]
    assert found.curves["memory_limit_mib"].points == ()
