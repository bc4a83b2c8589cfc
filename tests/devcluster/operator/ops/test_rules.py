"""Who comes first, who waits, who is passed over, and how it ends for a request that cannot be carried out."""

import pytest

from tests.devcluster.operator.conftest import STORAGE, Body, Namespace, wait_until
from tests.devcluster.operator.ops.asking import OPERATIONS, carry_out, end_of, phase, request

pytestmark = pytest.mark.processes
KIND = "MySQL"
BACKUPS: Body = {
    "backends": [
        {
            "name": "store",
            "storageRef": {"name": "none", "namespace": "demo"},
            "retentionPolicy": {"name": "none", "namespace": "demo"},
        }
    ],
    "sessions": [
        {
            "name": "full",
            "scheduler": {"schedule": "0 3 * * *"},
            "addon": {"name": "mysql-addon", "tasks": [{"name": "logical-backup"}]},
            "repositories": [{"name": "shop-full", "backend": "store", "directory": "/shop"}],
        }
    ],
}
"""A schedule that KubeStash takes and that never runs, as its storage does not exist."""
STASH = "/apis/core.kubestash.com/v1alpha1"
MEMORY = {"mysql": {"resources": {"requests": {"cpu": "600m", "memory": "2Gi"}, "limits": {"memory": "2Gi"}}}}


def fresh(namespace: Namespace, **spec: object) -> str:
    """Create a database that is not ready yet."""
    return namespace.create("mysqls", KIND, "shop", **{"version": "8.4.8", "storage": STORAGE, **spec})


def started(namespace: Namespace, path: str) -> tuple[str, str]:
    """Tell when a request was begun, as Kubernetes sorts events of one second: by their resource version."""
    events = namespace.get(f"/api/v1/namespaces/{namespace.name}/events")["items"]
    name = path.rpartition("/")[2]
    found = next(one for one in events if one["involvedObject"]["name"] == name and one["reason"] == "Starting")
    return found["firstTimestamp"], found["metadata"]["resourceVersion"].zfill(12)


def test_that_the_newest_of_a_type_survives_and_types_go_oldest_first(namespace: Namespace) -> None:
    fresh(namespace)
    first = request(namespace, KIND, "a-restart", "shop", "Restart")
    second = request(namespace, KIND, "b-restart", "shop", "Restart")
    third = request(namespace, KIND, "c-larger", "shop", "VerticalScaling", verticalScaling=MEMORY)

    ends = [end_of(namespace, path) for path in (first, second, third)]

    assert [body["status"]["phase"] for body in ends] == ["Skipped", "Successful", "Successful"]
    assert "b-restart" in ends[0]["status"]["conditions"][-1]["message"]
    assert started(namespace, second) < started(namespace, third)


def test_that_waiting_configurations_become_one(namespace: Namespace) -> None:
    path = fresh(namespace)
    texts = ("[mysqld]\nmax_connections = 50\n", "[mysqld]\nmax_connections = 70\nsql_mode = ANSI\n")
    originals = [
        request(
            namespace, KIND, f"set-{number}", "shop", "Reconfigure", configuration={"applyConfig": {"my.cnf": text}}
        )
        for number, text in enumerate(texts)
    ]

    ends = [end_of(namespace, original) for original in originals]

    assert [body["status"]["conditions"][-1]["reason"] for body in ends] == ["ConfigurationMerged"] * 2
    listed = namespace.get(f"{OPERATIONS}/namespaces/{namespace.name}/mysqlopsrequests")["items"]
    (merged,) = [one["metadata"]["name"] for one in listed if one["metadata"]["name"].startswith("shop-rcfg-merged-")]
    end = end_of(namespace, f"{originals[0].rpartition('/')[0]}/{merged}")
    assert end["status"]["phase"] == "Successful"
    inline = namespace.get(path)["spec"]["configuration"]["inline"]["my.cnf"]
    assert inline.split("\n") == ["[mysqld]", "max_connections = 70", "sql_mode = ANSI", ""]


def test_that_a_request_waits_for_a_halted_database_and_can_be_withdrawn(namespace: Namespace) -> None:
    path = fresh(namespace)
    namespace.wait_for_phase(path, "Ready")
    namespace.patch(path, {"spec": {"halted": True}})
    namespace.wait_for_phase(path, "Halted")

    restart = request(namespace, KIND, "later", "shop", "Restart")

    wait_until(lambda: phase(namespace, restart) == "Pending", "the request waits")
    assert namespace.get(restart)["status"]["conditions"][-1]["message"] == "The database is halted"
    namespace.client.delete(restart).raise_for_status()
    namespace.patch(path, {"spec": {"halted": False}})
    namespace.wait_for_phase(path, "Ready")
    assert "Paused" not in {one["type"] for one in namespace.get(path)["status"]["conditions"]}
    carry_out(namespace, KIND, "now", "shop", "Restart")


def test_that_schedules_of_backups_are_paused_meanwhile(namespace: Namespace) -> None:
    path = fresh(namespace)
    namespace.wait_for_phase(path, "Ready")
    target = {"apiGroup": "kubedb.com", "kind": KIND, "name": "shop", "namespace": namespace.name}
    schedule = {"apiVersion": "core.kubestash.com/v1alpha1", "kind": "BackupConfiguration"}
    body = {**schedule, "metadata": {"name": "nightly"}, "spec": {"target": target, **BACKUPS}}
    collection = f"{STASH}/namespaces/{namespace.name}/backupconfigurations"
    namespace.client.post(collection, json=body).raise_for_status()

    end = carry_out(namespace, KIND, "again", "shop", "Restart")

    assert [one["name"] for one in end["status"]["pausedBackups"]] == ["nightly"]
    after = namespace.get(f"{collection}/nightly")
    assert after["spec"]["paused"] is False
    assert after["metadata"]["generation"] >= 3


@pytest.mark.parametrize("kind", ["ReconfigureTLS", "StorageMigration"])
def test_that_a_type_that_is_not_played_fails_and_says_so(namespace: Namespace, kind: str) -> None:
    path = fresh(namespace)

    end = end_of(namespace, request(namespace, KIND, "other", "shop", kind, timeout="10m"))

    assert end["status"]["phase"] == "Failed"
    assert end["status"]["conditions"][-1]["message"] == f"Requests of the type {kind} are not supported"
    assert namespace.get(path)["status"]["phase"] == "Ready"


def test_that_a_volume_whose_class_is_rigid_does_not_grow(namespace: Namespace) -> None:
    rigid: Body = {"metadata": {"name": "rigid"}, "provisioner": "none", "allowVolumeExpansion": False}
    namespace.client.post("/apis/storage.k8s.io/v1/storageclasses", json=rigid).raise_for_status()
    path = fresh(namespace, storage={**STORAGE, "storageClassName": "rigid"})

    end = end_of(
        namespace,
        request(namespace, KIND, "grow", "shop", "VolumeExpansion", volumeExpansion={"mode": "Online", "mysql": "2Gi"}),
    )

    assert end["status"]["phase"] == "Failed"
    assert "allowVolumeExpansion" in end["status"]["conditions"][-1]["message"]
    assert namespace.get(path)["spec"]["storage"]["resources"]["requests"]["storage"] == "1Gi"
