"""The life of a real PostgreSQL database, from its creation to nothing left."""

import os
import signal

import pytest

from tests.devcluster.operator.conftest import STORAGE, Namespace, is_alive, wait_until

pytestmark = pytest.mark.processes
PLURAL, KIND = "postgreses", "Postgres"


def test_that_a_database_gets_ready_in_the_normal_order(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "fresh", version="17.5", storage=STORAGE)

    phases = namespace.wait_for_phase(path, "Ready")

    database = namespace.get(path)
    assert phases[-2:] == ["Provisioning", "Ready"]
    assert [condition["type"] for condition in database["status"]["conditions"]] == [
        "ProvisioningStarted",
        "ReplicaReady",
        "AcceptingConnection",
        "Ready",
        "Provisioned",
    ]
    assert database["status"]["observedGeneration"] == database["metadata"]["generation"]
    assert database["metadata"]["annotations"]["devcluster.local/running-version"].startswith("PostgreSQL 17.")


def test_that_a_database_lives_through_a_killed_server_and_a_pause(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "orders", version="17.5", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    with namespace.connect("orders") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")

    os.kill(namespace.server_pid("orders-0"), signal.SIGKILL)

    namespace.wait_for_event("orders", "Unhealthy")
    namespace.wait_for_event("orders", "Recovered")
    with namespace.connect("orders") as connection:
        assert connection.execute("SELECT number FROM parcels").fetchall() == [(7,)]

    password, pid = namespace.password("orders"), namespace.server_pid("orders-0")
    namespace.patch(path, {"spec": {"halted": True}})

    namespace.wait_for_phase(path, "Halted")
    assert not is_alive(pid)
    assert namespace.get(path)["spec"]["deletionPolicy"] == "Halt"
    assert namespace.names("services") | namespace.names("pods") == set()
    assert namespace.names("persistentvolumeclaims") == {"data-orders-0"}

    namespace.patch(path, {"spec": {"halted": False, "deletionPolicy": "WipeOut"}})

    assert namespace.wait_for_phase(path, "Ready")[-2:] == ["Provisioning", "Ready"]
    assert namespace.password("orders") == password
    with namespace.connect("orders") as connection:
        assert connection.execute("SELECT number FROM parcels").fetchall() == [(7,)]


def test_that_wiping_out_leaves_nothing(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "wiped", version="17.5", storage=STORAGE, deletionPolicy="WipeOut")
    namespace.wait_for_phase(path, "Ready")
    pid = namespace.server_pid("wiped-0")

    namespace.client.delete(path).raise_for_status()

    namespace.wait_until_gone(path)
    assert not is_alive(pid)
    assert not (namespace.data_dir / "volumes" / namespace.name).exists()
    assert not (namespace.data_dir / "processes" / namespace.name).exists()
    for plural in ("pods", "services", "secrets", "persistentvolumeclaims", "serviceaccounts"):
        wait_until(lambda plural=plural: not namespace.names(plural), f"no {plural} are left")  # type: ignore[misc]


def test_that_halt_keeps_the_data_for_a_database_of_the_same_name(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "kept", version="17.5", storage=STORAGE, deletionPolicy="Halt")
    namespace.wait_for_phase(path, "Ready")
    password = namespace.password("kept")
    with namespace.connect("kept") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")

    namespace.client.delete(path).raise_for_status()
    namespace.wait_until_gone(path)
    path = namespace.create(PLURAL, KIND, "kept", version="17.5", storage=STORAGE, deletionPolicy="Delete")
    namespace.wait_for_phase(path, "Ready")

    with namespace.connect("kept") as connection:
        assert connection.execute("SELECT number FROM parcels").fetchall() == [(7,)]
    namespace.client.delete(path).raise_for_status()
    namespace.wait_until_gone(path)
    assert namespace.password("kept") == password
    wait_until(lambda: not namespace.names("persistentvolumeclaims"), "the claim is gone")


def test_that_standbys_stream_from_the_primary(namespace: Namespace) -> None:
    templates = [{"alias": alias, "spec": {"type": "NodePort"}} for alias in ("primary", "standby")]
    path = namespace.create(
        PLURAL,
        KIND,
        "pair",
        version="17.5",
        replicas=2,
        streamingMode="Synchronous",
        storage=STORAGE,
        serviceTemplates=templates,
    )
    namespace.wait_for_phase(path, "Ready")
    with namespace.connect("pair") as connection:
        connection.execute("CREATE TABLE parcels AS SELECT 7 AS number")
        standbys = connection.execute("SELECT application_name, sync_state FROM pg_stat_replication").fetchall()
    simulated = {
        pod["metadata"]["name"]: pod["metadata"]["annotations"]["devcluster.local/simulated"]
        for pod in namespace.listed("pods")
    }

    sets = {
        one["metadata"]["name"]: one["status"] for one in namespace.listed("petsets", "/apis/apps.k8s.appscode.com/v1")
    }

    os.kill(namespace.server_pid("pair-1"), signal.SIGKILL)
    seen = namespace.wait_for_phase(path, "Critical") + namespace.wait_for_phase(path, "Ready")

    assert standbys == [("pair-1", "quorum")]
    assert simulated == {"pair-0": "false", "pair-1": "false", "pair-arbiter-0": "true"}
    assert {name: status["readyReplicas"] for name, status in sets.items()} == {"pair": 2, "pair-arbiter": 1}
    assert "NotReady" not in seen


def test_that_settings_follow_the_memory_limit_and_the_users_configuration(namespace: Namespace) -> None:
    limits = {"limits": {"memory": "512Mi"}, "requests": {"memory": "512Mi", "cpu": "100m"}}
    path = namespace.create(
        PLURAL,
        KIND,
        "tuned",
        version="17.5",
        storageType="Ephemeral",
        podTemplate={"spec": {"containers": [{"name": "postgres", "resources": limits}]}},
        configuration={"inline": {"user.conf": "work_mem = 3MB"}},
    )

    namespace.wait_for_phase(path, "Ready")

    with namespace.connect("tuned") as connection:
        names = ("shared_buffers", "work_mem", "fsync")
        settings = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() for name in names]
    assert settings == [("64MB",), ("3MB",), ("on",)]
    assert namespace.names("persistentvolumeclaims") == set()


def test_that_a_deleted_pod_comes_back_with_another_server(namespace: Namespace) -> None:
    path = namespace.create(PLURAL, KIND, "moved", version="17.5", storage=STORAGE)
    namespace.wait_for_phase(path, "Ready")
    pid, uid = namespace.server_pid("moved-0"), namespace.core("pods", "moved-0")["metadata"]["uid"]

    namespace.client.delete(f"/api/v1/namespaces/{namespace.name}/pods/moved-0").raise_for_status()

    wait_until(lambda: not is_alive(pid), "the old server is stopped")
    wait_until(lambda: "moved-0" in namespace.names("pods"), "the pod is back")
    assert namespace.core("pods", "moved-0")["metadata"]["uid"] != uid
    wait_until(lambda: is_alive(namespace.server_pid("moved-0")), "another server runs")
