"""An operator that is killed in the middle of a request: it goes on where it was, and does nothing twice."""

import base64
import signal

import pytest

from tests.devcluster.operator.conftest import STORAGE, Body, Namespace, PocketCluster, wait_until
from tests.devcluster.operator.ops.asking import conditions, end_of, request

pytestmark = pytest.mark.processes


def reached(namespace: Namespace, path: str, condition: str) -> bool:
    body = namespace.get(path)
    return bool(body.get("status", {}).get("conditions")) and conditions(body).get(condition) == "True"


@pytest.mark.parametrize("condition", ["UpdatePetSets", "EvictPod--shop-1"])
def test_that_a_restart_goes_on_and_restarts_no_pod_twice(fragile_pocket: PocketCluster, condition: str) -> None:
    namespace = fragile_pocket.namespace()
    spec: Body = {"replicas": 3, "replicaSet": {"name": "rs0"}, "version": "8.0.17", "storage": STORAGE}
    path = namespace.create("mongodbs", "MongoDB", "shop", **spec)
    namespace.wait_for_phase(path, "Ready")
    restart = request(namespace, "MongoDB", "again", "shop", "Restart")
    wait_until(lambda: reached(namespace, restart, condition), condition)

    fragile_pocket.operator.stop(signal.SIGKILL)
    before = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in namespace.listed("pods")}
    evicted = {kind.partition("--")[2] for kind in conditions(namespace.get(restart)) if kind.startswith("EvictPod--")}
    fragile_pocket.operator.start()

    assert end_of(namespace, restart)["status"]["phase"] == "Successful"
    after = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in namespace.listed("pods")}
    assert len(after) == 3
    assert {name for name in after if after[name] == before.get(name)} == evicted & before.keys()
    database = namespace.get(path)
    assert database["status"]["phase"] == "Ready"
    assert "Paused" not in {one["type"] for one in database["status"]["conditions"]}


@pytest.mark.parametrize("condition", ["RotateAuth", "UpdateCredential"])
def test_that_a_password_is_changed_once(fragile_pocket: PocketCluster, condition: str) -> None:
    namespace = fragile_pocket.namespace()
    path = namespace.create("postgreses", "Postgres", "orders", version="17.5", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    password = namespace.password("orders")
    rotation = request(namespace, "Postgres", "turn", "orders", "RotateAuth")
    wait_until(lambda: reached(namespace, rotation, condition), condition)

    fragile_pocket.operator.stop(signal.SIGKILL)
    fragile_pocket.operator.start()

    assert end_of(namespace, rotation)["status"]["phase"] == "Successful"
    secret = namespace.core("secrets", "orders-auth")
    assert base64.b64decode(secret["data"]["password.prev"]).decode() == password
    assert "password.next" not in secret["data"]
    assert "kubedb.com/auth-active-from" in secret["metadata"]["annotations"]
    with namespace.connect("orders") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
