"""What the tests of OpsRequests ask for: make one, wait for its end, read how it went."""

from typing import Any

from tests.devcluster.operator.conftest import Body, Namespace, wait_until

OPERATIONS = "/apis/ops.kubedb.com/v1alpha1"
ENDED = ("Successful", "Failed", "Skipped")
END_SECONDS = 40.0


def request(namespace: Namespace, kind: str, name: str, database: str, type_: str, **spec: Any) -> str:
    """Create an OpsRequest and give its path."""
    collection = f"{OPERATIONS}/namespaces/{namespace.name}/{kind.lower()}opsrequests"
    body: Body = {
        "apiVersion": "ops.kubedb.com/v1alpha1",
        "kind": f"{kind}OpsRequest",
        "metadata": {"name": name},
        "spec": {"type": type_, "databaseRef": {"name": database}, **spec},
    }
    answer = namespace.client.post(collection, json=body)
    assert answer.is_success, answer.text
    return f"{collection}/{name}"


def phase(namespace: Namespace, path: str) -> str:
    """Read the phase of a request; empty as long as nobody has seen it."""
    return str(namespace.get(path).get("status", {}).get("phase", ""))


def end_of(namespace: Namespace, path: str, within_seconds: float = END_SECONDS) -> Body:
    """Wait until a request has ended and give it."""
    wait_until(lambda: phase(namespace, path) in ENDED, f"{path} has ended", within_seconds)
    return namespace.get(path)


def carry_out(namespace: Namespace, kind: str, name: str, database: str, type_: str, **spec: Any) -> Body:
    """Create a request, wait for its success and give it."""
    body = end_of(namespace, request(namespace, kind, name, database, type_, **spec))
    assert body["status"]["phase"] == "Successful", body["status"]
    return body


def conditions(body: Body) -> dict[str, str]:
    """Give the status of each condition, in their order."""
    return {condition["type"]: condition["status"] for condition in body["status"]["conditions"]}
