"""That logs, stats and usage need rights of their own, and what is said where no kubelet answers."""

import httpx
import pytest

from tests.devcluster.apiserver.samples import Body, core, created
from tests.devcluster.apiserver.test_access import grant, robot

__all__ = ["robot"]

METRICS = "/apis/metrics.k8s.io/v1beta1"
POD: Body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def with_log(text: str) -> Body:
    return {**POD, "metadata": {"name": "p", "annotations": {"devcluster.local/log": text}}}


def stats(namespace: str, service: str = "s:metrics") -> str:
    return core(namespace, f"services/{service}/proxy/metrics")


@pytest.fixture
def service(api: httpx.Client, namespace: str) -> Body:
    """A service `s` with a port `metrics`."""
    ports = [{"name": "metrics", "port": 56790}]
    return created(api, core(namespace, "services"), {"metadata": {"name": "s"}, "spec": {"ports": ports}})


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("resource", "group", "path"),
    [
        ("pods/log", "", "/api/v1/namespaces/{}/pods/p/log"),
        ("services/proxy", "", "/api/v1/namespaces/{}/services/s:metrics/proxy/metrics"),
        ("pods", "metrics.k8s.io", METRICS + "/namespaces/{}/pods"),
    ],
)
def test_that_each_needs_its_own_right(
    api: httpx.Client, robot: httpx.Client, namespace: str, resource: str, group: str, path: str
) -> None:
    created(api, core(namespace, "pods"), with_log("hello\n"))
    grant(api, namespace, {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]})
    refused = robot.get(path.format(namespace))
    rule = {"apiGroups": [group], "resources": [resource], "verbs": ["get", "list"]}
    headers = {"Content-Type": "application/merge-patch+json"}
    role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/r"
    api.patch(role, json={"rules": [rule]}, headers=headers).raise_for_status()

    allowed = robot.get(path.format(namespace))

    assert refused.status_code == 403
    assert f'resource "{resource}"' in refused.json()["message"]
    assert allowed.status_code != 403


@pytest.mark.parametrize(
    ("query", "told"),
    [({}, "1\n2\n3\n"), ({"tailLines": "2"}, "2\n3\n"), ({"tailLines": "0"}, ""), ({"limitBytes": "3"}, "1\n2")],
)
def test_that_a_log_is_cut_as_asked(api: httpx.Client, namespace: str, query: dict[str, str], told: str) -> None:
    created(api, core(namespace, "pods"), with_log("1\n2\n3\n"))

    assert api.get(core(namespace, "pods/p/log"), params=query).text == told


def test_that_a_pod_that_does_not_run_yet_is_waiting(api: httpx.Client, namespace: str) -> None:
    created(api, core(namespace, "pods"), POD)

    answer = api.get(core(namespace, "pods/p/log"))

    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"] == 'container "c" in pod "p" is waiting to start: ContainerCreating'


def test_that_no_kubelet_makes_what_is_behind_unavailable(api: httpx.Client, namespace: str, service: Body) -> None:
    answers = [api.get(stats(namespace)), api.get(f"{METRICS}/namespaces/{namespace}/pods")]

    assert [answer.status_code for answer in answers] == [503, 503]
    assert "is the operator running?" in answers[0].json()["message"]
    assert service["metadata"]["name"] == "s"


@pytest.mark.usefixtures("service")
def test_that_proxying_needs_a_service_a_port_of_it_and_a_get(api: httpx.Client, namespace: str) -> None:
    assert api.get(stats(namespace, "nobody:metrics")).json()["message"] == 'services "nobody" not found'
    assert 'no service port "web"' in api.get(stats(namespace, "s:web")).json()["message"]
    assert api.get(stats(namespace, "a:b:c:d")).status_code == 400
    assert api.post(stats(namespace)).status_code == 405
    assert api.delete(core(namespace, "pods/p/log")).status_code == 405


def test_that_discovery_announces_them(api: httpx.Client) -> None:
    core_names = {one["name"] for one in api.get("/api/v1").json()["resources"]}
    metrics = api.get(METRICS).json()["resources"]

    assert {"pods/log", "services/proxy"} <= core_names
    assert [(one["name"], one["kind"], one["verbs"]) for one in metrics] == [("pods", "PodMetrics", ["get", "list"])]
