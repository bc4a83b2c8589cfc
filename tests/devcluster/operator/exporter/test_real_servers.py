"""That logs, usage and metrics of real servers are read through the Kubernetes API, by clients of any kind."""

import re

import pytest
import redis

from tests.devcluster import kubectl
from tests.devcluster.operator.conftest import STORAGE, Namespace, PocketCluster, wait_until

pytestmark = pytest.mark.processes
MONITOR = {"agent": "prometheus.io/builtin"}
STATS = "/api/v1/namespaces/{}/services/{}-stats:metrics/proxy/metrics"
Page = dict[str, dict[str, float]]


def page_of(namespace: Namespace, database: str) -> tuple[str, Page]:
    """Return the page, and its numbers by name and labels."""
    answer = namespace.client.get(STATS.format(namespace.name, database)).raise_for_status()
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found: Page = {}
    for name, labels, value in re.findall(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$", answer.text, re.MULTILINE):
        found.setdefault(name, {})[labels] = float(value)
    return answer.text, found


def one(page: Page, name: str, *parts: str) -> float:
    """Return the number whose labels hold all parts."""
    (value,) = [value for labels, value in page[name].items() if all(part in labels for part in parts)]
    return value


@pytest.fixture(scope="module")
def shop(pocket: PocketCluster) -> Namespace:
    """A namespace with a PostgreSQL of three pods, `orders`, and a Redis, `cart`; both monitored."""
    namespace = pocket.namespace()
    orders = namespace.create(
        "postgreses", "Postgres", "orders", version="17.5", replicas=3, storage=STORAGE, monitor=MONITOR
    )
    cart = namespace.create("redises", "Redis", "cart", version="7.4.6", storage=STORAGE, monitor=MONITOR)
    for path in (orders, cart):
        namespace.wait_for_phase(path, "Ready", within_seconds=40)
    return namespace


def test_that_the_stats_service_is_made_as_kubedb_makes_it(shop: Namespace) -> None:
    service = shop.core("services", "orders-stats")
    pod = shop.core("pods", "orders-0")

    assert service["spec"]["ports"] == [{"name": "metrics", "port": 56790, "targetPort": "metrics", "protocol": "TCP"}]
    assert service["metadata"]["labels"]["kubedb.com/role"] == "stats"
    assert service["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "56790",
    }
    assert [container["name"] for container in pod["spec"]["containers"]][-1] == "exporter"


def test_that_postgresql_shows_its_own_numbers(shop: Namespace) -> None:
    _, before = page_of(shop, "orders")
    with shop.connect("orders") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS parcels AS SELECT generate_series(1, 20000) AS id")
        limit = connection.execute("SHOW max_connections").fetchone()
        _, during = page_of(shop, "orders")

    assert limit is not None
    assert one(during, "pg_settings_max_connections", 'pod="orders-0"') == float(limit[0])
    assert {one(during, "pg_up", f'pod="orders-{number}"') for number in range(3)} == {1.0}
    assert one(during, "pg_stat_activity_count", 'pod="orders-0"', 'state="idle"', 'datname="postgres"') >= 1
    name, labels = "pg_database_size_bytes", ('pod="orders-0"', 'datname="postgres"')
    assert one(during, name, *labels) > one(before, name, *labels)
    assert one(during, "pg_replication_lag_seconds", 'pod="orders-1"') >= 0
    used = one(during, "kubelet_volume_stats_used_bytes", 'persistentvolumeclaim="data-orders-0"')
    assert 2**20 < used < 2**30
    assert one(during, "kubelet_volume_stats_capacity_bytes", 'persistentvolumeclaim="data-orders-0"') == 2**30


def test_that_redis_shows_its_own_numbers(shop: Namespace) -> None:
    _, before = page_of(shop, "cart")
    with redis.Redis(port=shop.node_port("cart"), password=shop.password("cart")) as client:
        client.set("parcel", "7")
        client.get("parcel")
        client.get("missing")
        _, after = page_of(shop, "cart")

    assert one(after, "redis_up", 'pod="cart-0"') == 1
    assert one(after, "redis_keyspace_hits_total") - one(before, "redis_keyspace_hits_total") == 1
    assert one(after, "redis_keyspace_misses_total") - one(before, "redis_keyspace_misses_total") == 1
    assert one(after, "redis_commands_processed_total") > one(before, "redis_commands_processed_total")
    assert one(after, "redis_connected_clients") >= 1
    assert one(after, "redis_db_keys", 'db="db0"') == 1


def test_that_no_password_is_on_a_page(shop: Namespace) -> None:
    pages = [page_of(shop, database)[0] for database in ("orders", "cart")]

    assert not any(shop.password(database) in page for database in ("orders", "cart") for page in pages)


def test_that_a_simulated_engine_shows_no_invented_numbers(namespace: Namespace) -> None:
    path = namespace.create("mysqls", "MySQL", "news", version="8.4.3", storage=STORAGE, monitor=MONITOR)
    namespace.wait_for_phase(path, "Ready")

    text, page = page_of(namespace, "news")

    assert page == {"mysql_up": {f'namespace="{namespace.name}",pod="news-0"': 1.0}}
    assert "simulated" in text


def test_that_an_unmonitored_database_has_no_stats(namespace: Namespace) -> None:
    path = namespace.create("mysqls", "MySQL", "news", version="8.4.3", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")

    answer = namespace.client.get(STATS.format(namespace.name, "news"))
    other = namespace.client.get(f"/api/v1/namespaces/{namespace.name}/services/news:primary/proxy/metrics")

    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")
    assert (other.status_code, other.json()["reason"]) == (503, "ServiceUnavailable")


def test_that_kubectl_logs_prints_the_servers_own_log(pocket: PocketCluster, shop: Namespace) -> None:
    with shop.connect("orders") as connection, pytest.raises(Exception, match="no_such_table"):
        connection.execute("SELECT * FROM no_such_table")

    def last(*arguments: str) -> str:
        return kubectl.run(pocket.server.kubeconfig, "-n", shop.name, "logs", "orders-0", "-c", "postgres", *arguments)

    wait_until(lambda: "no_such_table" in last("--tail=20"), "the refused statement is in the log")
    assert len(last("--tail=1").splitlines()) == 1
    assert len(last("--limit-bytes=10")) == 10
    assert last("--tail=0") == ""


def test_that_a_log_that_is_not_there_is_refused_as_kubernetes_does(namespace: Namespace, shop: Namespace) -> None:
    path = namespace.create("mysqls", "MySQL", "news", version="8.4.3", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")

    def ask(where: Namespace, pod: str, **query: str) -> tuple[int, str]:
        answer = where.client.get(f"/api/v1/namespaces/{where.name}/pods/{pod}/log", params=query)
        return answer.status_code, answer.json()["message"]

    assert ask(shop, "nobody")[0] == 404
    assert ask(shop, "orders-0") == (
        400,
        "a container name must be specified for pod orders-0, choose one of: [postgres pg-coordinator exporter]",
    )
    assert ask(shop, "orders-0", container="x") == (400, "container x is not valid for pod orders-0")
    assert ask(shop, "orders-0", container="postgres", previous="true")[0] == 400
    assert ask(shop, "orders-0", container="postgres", tailLines="x")[0] == 400
    assert ask(namespace, "news-0")[0] == 400


def test_that_kubectl_top_shows_what_pods_use(pocket: PocketCluster, shop: Namespace) -> None:
    text = kubectl.run(pocket.server.kubeconfig, "-n", shop.name, "top", "pod")
    metrics = "/apis/metrics.k8s.io/v1beta1/namespaces"
    single = shop.get(f"{metrics}/{shop.name}/pods/cart-0")
    labelled = shop.get(f"{metrics}/{shop.name}/pods?labelSelector=app.kubernetes.io/instance%3Dcart")

    names = [line.split()[0] for line in text.splitlines()[1:]]
    assert names == ["cart-0", "orders-0", "orders-1", "orders-2"]
    assert single["containers"][0]["name"] == "redis"
    assert 1000 < int(single["containers"][0]["usage"]["memory"].removesuffix("Ki")) < 200_000
    assert single["containers"][0]["usage"]["cpu"].endswith("n")
    assert [item["metadata"]["name"] for item in labelled["items"]] == ["cart-0"]
    assert shop.client.get(f"{metrics}/{shop.name}/pods/nobody").status_code == 404
