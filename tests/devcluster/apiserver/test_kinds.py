"""What the server does to built-in kinds."""

import base64
import socket

import httpx
import pytest

from tests.devcluster.apiserver.samples import Body, core, created, eventually, is_gone

MERGE = {"Content-Type": "application/merge-patch+json"}


def service(name: str, kind: str = "ClusterIP", **port: object) -> Body:
    spec = {"type": kind, "ports": [{"name": "db", "port": 5432, **port}], "selector": {"app": "db"}}
    return {"metadata": {"name": name}, "spec": spec}


def test_that_secret_strings_become_encoded_content(api: httpx.Client, namespace: str) -> None:
    made = created(api, core(namespace, "secrets"), {"metadata": {"name": "s"}, "stringData": {"password": "geheim"}})

    assert "stringData" not in made
    assert made["type"] == "Opaque"
    assert base64.b64decode(made["data"]["password"]) == b"geheim"


def test_that_secret_content_must_be_encoded(api: httpx.Client, namespace: str) -> None:
    answer = api.post(core(namespace, "secrets"), json={"metadata": {"name": "s"}, "data": {"a": "not base64!"}})

    assert answer.status_code == 400


@pytest.mark.parametrize("change", [{"type": "other"}, {"data": {"a": "Yg=="}}])
def test_that_what_is_immutable_stays(api: httpx.Client, namespace: str, change: Body) -> None:
    created(api, core(namespace, "secrets"), {"metadata": {"name": "s"}, "immutable": True})

    answer = api.patch(core(namespace, "secrets/s"), json=change, headers=MERGE)

    assert answer.status_code == 422
    assert "immutable" in answer.json()["message"]


def test_that_a_node_port_is_free_on_this_machine_and_used_once(api: httpx.Client, namespace: str) -> None:
    ports = set()
    for number in range(3):
        made = created(api, core(namespace, "services"), service(f"s{number}", "NodePort"))
        ports.add(made["spec"]["ports"][0]["nodePort"])

    assert len(ports) == 3
    for port in ports:
        assert 30_000 <= port <= 32_767
        socket.create_server(("127.0.0.1", port)).close()


def test_that_a_taken_node_port_is_refused(api: httpx.Client, namespace: str) -> None:
    port = created(api, core(namespace, "services"), service("one", "NodePort"))["spec"]["ports"][0]["nodePort"]

    taken = api.post(core(namespace, "services"), json=service("two", "NodePort", nodePort=port))
    outside = api.post(core(namespace, "services"), json=service("two", "NodePort", nodePort=80))

    assert taken.status_code == outside.status_code == 422
    assert "provided port is already allocated" in taken.json()["message"]
    assert "30000-32767" in outside.json()["message"]


def test_that_addresses_and_ports_stay_over_updates(api: httpx.Client, namespace: str) -> None:
    made = created(api, core(namespace, "services"), service("s", "LoadBalancer"))

    changed = api.put(core(namespace, "services/s"), json={**service("s", "LoadBalancer"), "metadata": {"name": "s"}})
    moved = api.patch(core(namespace, "services/s"), json={"spec": {"clusterIP": "10.96.9.9"}}, headers=MERGE)

    assert changed.json()["spec"] == made["spec"]
    assert made["status"] == {"loadBalancer": {}}
    assert moved.status_code == 422


def test_that_a_headless_service_gets_no_address(api: httpx.Client, namespace: str) -> None:
    body = service("pods")
    body["spec"]["clusterIP"] = "None"

    first = created(api, core(namespace, "services"), body)
    body["metadata"]["name"] = "more-pods"
    second = created(api, core(namespace, "services"), body)

    assert first["spec"]["clusterIP"] == second["spec"]["clusterIP"] == "None"
    assert "nodePort" not in first["spec"]["ports"][0]


def test_that_a_wrong_type_in_a_built_in_kind_is_a_bad_request(api: httpx.Client, namespace: str) -> None:
    answer = api.post(core(namespace, "services"), json={"metadata": {"name": "s"}, "spec": {"ports": ["x"]}})

    assert answer.status_code == 400
    assert 'Service in version "v1" cannot be handled as a Service' in answer.json()["message"]


def test_that_a_claim_needs_a_size_and_starts_pending(api: httpx.Client, namespace: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    made = created(api, core(namespace, "persistentvolumeclaims"), {"metadata": {"name": "c"}, "spec": spec})
    refused = api.post(core(namespace, "persistentvolumeclaims"), json={"metadata": {"name": "d"}, "spec": {}})

    assert made["status"]["phase"] == "Pending"
    assert made["spec"]["storageClassName"] == "standard"
    assert refused.status_code == 422


def test_that_a_namespace_takes_its_contents_along(api: httpx.Client, namespace: str) -> None:
    held = {"metadata": {"name": "held", "finalizers": ["test/hold"]}}
    created(api, core(namespace, "configmaps"), held)
    created(api, core(namespace, "configmaps"), {"metadata": {"name": "free"}})

    deleted = api.delete(f"/api/v1/namespaces/{namespace}").json()
    eventually(is_gone(api, core(namespace, "configmaps/free")), "free contents go")
    refused = api.post(core(namespace, "configmaps"), json={"metadata": {"name": "late"}})
    still = api.get(f"/api/v1/namespaces/{namespace}").json()
    api.patch(core(namespace, "configmaps/held"), json={"metadata": {"finalizers": None}}, headers=MERGE)

    assert deleted["status"]["phase"] == "Terminating"
    assert still["metadata"]["deletionTimestamp"]
    assert refused.status_code == 403
    assert refused.json()["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    eventually(is_gone(api, f"/api/v1/namespaces/{namespace}"), "the namespace goes")


def test_that_a_namespace_has_a_default_account(api: httpx.Client, namespace: str) -> None:
    eventually(lambda: api.get(core(namespace, "serviceaccounts/default")).status_code == 200, "the account is made")


def test_that_a_pod_shows_the_log_that_was_left_for_it(api: httpx.Client, namespace: str) -> None:
    body: Body = {
        "metadata": {"name": "p", "annotations": {"devcluster.local/log": "hello\n"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    made = created(api, core(namespace, "pods"), body)

    log = api.get(core(namespace, "pods/p/log"))

    assert made["status"]["phase"] == "Pending"
    assert log.text == "hello\n"
