"""Real PostgreSQL servers through all types of requests: the rows stay, and the servers do what the objects say."""

from collections.abc import Iterable
from typing import Any

import psycopg
import pytest

from tests.devcluster.operator.conftest import STORAGE, Body, Namespace, wait_until
from tests.devcluster.operator.ops.asking import carry_out, conditions, end_of, request

pytestmark = pytest.mark.processes
KIND = "Postgres"
SERVICES = [{"alias": alias, "spec": {"type": "NodePort"}} for alias in ("primary", "standby")]


def memory(size: str) -> Body:
    resources = {"requests": {"cpu": "100m", "memory": size}, "limits": {"memory": size}}
    return {"postgres": {"resources": resources}}


def make(namespace: Namespace, name: str, **spec: Any) -> str:
    wanted = {"version": "17.5", "storage": STORAGE, "serviceTemplates": SERVICES, **spec}
    path = namespace.create("postgreses", KIND, name, **wanted)
    namespace.wait_for_phase(path, "Ready")
    with namespace.connect(name) as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
    return path


def on_pod(namespace: Namespace, database: str, pod: str, sql: str) -> list[tuple[Any, ...]]:
    """Ask the server of one pod."""
    address = namespace.core("pods", pod)["metadata"]["annotations"]["devcluster.local/address"]
    host, _, port = address.partition(":")
    password = namespace.password(database)
    with psycopg.connect(host=host, port=port, user="postgres", password=password, dbname="postgres") as connection:
        return connection.execute(sql).fetchall()


def lets_in(namespace: Namespace, database: str, password: str) -> bool:
    """Tell whether a password opens the database."""
    port = namespace.node_port(database)
    try:
        psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password, dbname="postgres").close()
    except psycopg.OperationalError as error:
        if "password authentication failed" not in str(error):
            raise
        return False
    return True


def standbys(namespace: Namespace, database: str) -> set[str]:
    rows = on_pod(namespace, database, f"{database}-0", "SELECT application_name FROM pg_stat_replication")
    return {str(row[0]) for row in rows}


def settings(namespace: Namespace, database: str, pod: str, *names: str) -> list[str]:
    return [str(on_pod(namespace, database, pod, f"SHOW {name}")[0][0]) for name in names]


def test_that_rows_stay_through_every_request_on_three_servers(namespace: Namespace) -> None:
    path = make(namespace, "orders", replicas=3, streamingMode="Synchronous")
    pids = {pod: namespace.server_pid(pod) for pod in ("orders-0", "orders-1", "orders-2")}

    carry_out(namespace, KIND, "down", "orders", "VerticalScaling", verticalScaling=memory("512Mi"))

    assert all(namespace.server_pid(pod) != pid for pod, pid in pids.items())
    for pod in pids:
        assert settings(namespace, "orders", pod, "shared_buffers", "max_connections") == ["64MB", "51"]
    assert standbys(namespace, "orders") == {"orders-1", "orders-2"}

    carry_out(namespace, KIND, "in", "orders", "HorizontalScaling", horizontalScaling={"replicas": 2})

    assert namespace.names("pods") == {"orders-0", "orders-1", "orders-arbiter-0"}
    assert namespace.names("persistentvolumeclaims") == {"data-orders-0", "data-orders-1", "data-orders-arbiter-0"}
    assert settings(namespace, "orders", "orders-0", "synchronous_standby_names") == ['ANY 1 ("orders-1")']

    carry_out(namespace, KIND, "out", "orders", "HorizontalScaling", horizontalScaling={"replicas": 3})

    assert namespace.names("pods") == set(pids)
    assert standbys(namespace, "orders") == {"orders-1", "orders-2"}
    assert namespace.get(path)["spec"]["replicas"] == 3

    password = namespace.password("orders")
    carry_out(namespace, KIND, "turn", "orders", "RotateAuth")

    assert namespace.password("orders") != password
    assert not lets_in(namespace, "orders", password)
    wait_until(lambda: standbys(namespace, "orders") == {"orders-1", "orders-2"}, "the standbys are back")

    carry_out(namespace, KIND, "newer", "orders", "UpdateVersion", updateVersion={"targetVersion": "18.3"})

    check_upgraded(namespace, path, "orders", pids)

    namespace.patch(path, {"spec": {"halted": True}})
    namespace.wait_for_phase(path, "Halted")
    namespace.patch(path, {"spec": {"halted": False, "deletionPolicy": "WipeOut"}})
    namespace.wait_for_phase(path, "Ready")

    check_upgraded(namespace, path, "orders", pids)


def check_upgraded(namespace: Namespace, path: str, name: str, pods: Iterable[str]) -> None:
    for pod in pods:
        assert settings(namespace, name, pod, "server_version")[0].startswith("18.")
        assert on_pod(namespace, name, pod, "SELECT number FROM parcels") == [(7,)]
    wait_until(lambda: standbys(namespace, name) == {f"{name}-1", f"{name}-2"}, "the standbys follow")
    database = namespace.get(path)
    assert database["spec"]["version"] == "18.3"
    assert database["status"]["phase"] == "Ready"
    assert database["metadata"]["annotations"]["devcluster.local/running-version"].startswith("PostgreSQL 18.")


def test_that_data_that_a_newer_server_cannot_take_stays_with_the_old_one(namespace: Namespace) -> None:
    path = make(namespace, "tied")
    with namespace.connect("tied") as connection:
        connection.execute("CREATE EXTENSION pgcrypto")

    update = {"updateVersion": {"targetVersion": "18.3"}}
    end = end_of(namespace, request(namespace, KIND, "newer", "tied", "UpdateVersion", **update))

    assert end["status"]["phase"] == "Failed"
    assert "pg_upgrade" in end["status"]["conditions"][-1]["message"]
    assert namespace.get(path)["spec"]["version"] == "17.5"
    assert namespace.get(path)["status"]["phase"] == "Ready"
    assert settings(namespace, "tied", "tied-0", "server_version")[0].startswith("17.")
    assert on_pod(namespace, "tied", "tied-0", "SELECT number FROM parcels") == [(7,)]


def test_that_a_configuration_is_loaded_and_a_wrong_one_taken_back(namespace: Namespace) -> None:
    path = make(namespace, "tuned", replicas=2)
    pid = namespace.server_pid("tuned-0")

    mild = {"applyConfig": {"user.conf": "work_mem = 3MB"}}
    carry_out(namespace, KIND, "mild", "tuned", "Reconfigure", configuration=mild)

    assert settings(namespace, "tuned", "tuned-0", "work_mem") == ["3MB"]
    assert settings(namespace, "tuned", "tuned-1", "work_mem") == ["3MB"]
    assert namespace.server_pid("tuned-0") == pid

    strong = {"applyConfig": {"user.conf": "max_connections = 77"}}
    carry_out(namespace, KIND, "strong", "tuned", "Reconfigure", configuration=strong)

    for pod in ("tuned-0", "tuned-1"):
        assert settings(namespace, "tuned", pod, "work_mem", "max_connections") == ["3MB", "77"]
    before = namespace.get(path)["spec"]["configuration"]

    wrong = {"applyConfig": {"user.conf": "shared_buffers = plenty"}}
    body = end_of(namespace, request(namespace, KIND, "wrong", "tuned", "Reconfigure", configuration=wrong))

    assert body["status"]["phase"] == "Failed"
    message = body["status"]["conditions"][-1]["message"]
    assert 'invalid value for parameter "shared_buffers": "plenty"' in message
    assert conditions(body)["RollBack"] == "False"
    database = namespace.get(path)
    assert database["spec"]["configuration"] == before
    assert database["status"]["phase"] == "Ready"
    assert settings(namespace, "tuned", "tuned-1", "work_mem", "max_connections") == ["3MB", "77"]
    assert on_pod(namespace, "tuned", "tuned-0", "SELECT number FROM parcels") == [(7,)]

    carry_out(namespace, KIND, "plain", "tuned", "Reconfigure", configuration={"removeCustomConfig": True})

    assert settings(namespace, "tuned", "tuned-0", "work_mem", "max_connections") == ["4MB", "102"]
    assert "configuration" not in namespace.get(path)["spec"]
    secret = namespace.core("secrets", f"tuned-{namespace.get(path)['metadata']['uid'][-6:]}")
    assert not secret.get("data")
