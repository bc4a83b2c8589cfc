"""That quota reserves what really comes up: pods and disks that the pocket cluster's operator makes, against the engine's groups of nodes."""

import time
from collections.abc import Iterator

import httpx
import pytest

from provisioning.cluster.kinds import kind_of
from provisioning.engine import NodeGroup
from provisioning.sizes import EXPORTER
from tests.contract.test_the_pocket_cluster_admits_them import moved, send
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.conftest import ApiServer
from tests.provisioning.golden.cases import CASES, Case

READY_SECONDS = 30.0
HELPED = ("postgres-replicated-even", "redis-replicated")
"""Of the engines that run as real processes only the layouts in which KubeDB adds nodes; of the simulated ones all."""
RUNNING = [
    case
    for case in CASES
    if not case.storage_class and (case.engine not in ("postgres", "redis") or str(case) in HELPED)
]

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A pocket cluster with its operator at work on every case, each in a namespace of the case's name."""
    server = ApiServer(tmp_path_factory.mktemp("cluster"), command="")
    server.start()
    try:
        with connect_to(server) as api:
            for case in RUNNING:
                order(api, case)
            yield api
    finally:
        server.stop()


def order(api: httpx.Client, case: Case) -> None:
    api.post("/api/v1/namespaces", json={"metadata": {"name": str(case)}}).raise_for_status()
    for body in case.manifests:
        send(api, body, str(case)).raise_for_status()


def wait_until_ready(api: httpx.Client, case: Case) -> None:
    database = moved(case.manifests[-1], str(case))
    path = kind_of(database["apiVersion"], database["kind"]).path(str(case), database["metadata"]["name"])
    deadline = time.monotonic() + READY_SECONDS
    while (phase := api.get(path).json().get("status", {}).get("phase")) != "Ready":
        assert time.monotonic() < deadline, f"{case} is {phase}"
        time.sleep(0.05)


def groups_of(case: Case) -> list[NodeGroup]:
    return list(case.order.engine.node_groups(case.order.topology, case.order.resources))


@pytest.mark.parametrize("case", RUNNING, ids=str)
def test_that_pods_and_disks_are_as_counted(case: Case, running: httpx.Client) -> None:
    wait_until_ready(running, case)

    pods = running.get(f"/api/v1/namespaces/{case}/pods").json()["items"]
    claims = running.get(f"/api/v1/namespaces/{case}/persistentvolumeclaims").json()["items"]

    assert len(pods) == sum(group.count for group in groups_of(case))
    disks = sorted(claim["spec"]["resources"]["requests"]["storage"] for claim in claims)
    counted = [f"{group.each.storage_gib}Gi" for group in groups_of(case) for _ in range(group.count)]
    assert disks == sorted(disk for disk in counted if disk != "0Gi")


@pytest.mark.parametrize("case", RUNNING, ids=str)
def test_that_exporters_are_as_counted(case: Case, running: httpx.Client) -> None:
    wait_until_ready(running, case)

    pods = running.get(f"/api/v1/namespaces/{case}/pods").json()["items"]
    containers = [container for pod in pods for container in pod["spec"]["containers"]]
    exporters = [container["resources"]["limits"] for container in containers if container["name"] == "exporter"]

    assert len(exporters) == sum(group.count for group in groups_of(case) if group.is_monitored)
    assert {(limits["cpu"], limits["memory"]) for limits in exporters} == {
        (f"{EXPORTER.cpu_millicores}m", f"{EXPORTER.memory_mib}Mi")
    }
