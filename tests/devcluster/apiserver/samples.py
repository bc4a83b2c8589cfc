"""Objects that tests send."""

import time
from collections.abc import Callable
from typing import Any

import httpx

Body = dict[str, Any]


def postgres(**spec: Any) -> Body:
    """Give a small Postgres named pg that every rule accepts, with these fields in place of its own."""
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    chosen = {"version": "17.5", "replicas": 1, "storage": storage, **spec}
    return {"apiVersion": "kubedb.com/v1", "kind": "Postgres", "metadata": {"name": "pg"}, "spec": chosen}


def config_map(name: str = "settings", **metadata: object) -> Body:
    """Give a ConfigMap."""
    metadata = {"name": name, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"color": "red"}}


def postgreses(namespace: str) -> str:
    """Give the path of a namespace's Postgres objects."""
    return f"/apis/kubedb.com/v1/namespaces/{namespace}/postgreses"


def core(namespace: str, plural: str) -> str:
    """Give the path of a namespace's objects of the core group."""
    return f"/api/v1/namespaces/{namespace}/{plural}"


def created(api: httpx.Client, path: str, body: Body) -> Body:
    """Create an object and give it as the server stored it."""
    answer = api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    stored: Body = answer.json()
    return stored


def eventually(is_true: Callable[[], bool], what: str, *, within_seconds: float = 5) -> None:
    """Wait for something that happens behind a request."""
    deadline = time.monotonic() + within_seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {within_seconds} s: {what}"
        time.sleep(0.01)


def is_gone(api: httpx.Client, path: str) -> Callable[[], bool]:
    """Give the question whether an object is gone."""
    return lambda: api.get(path).status_code == 404
