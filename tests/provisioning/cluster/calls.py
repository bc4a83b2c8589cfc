"""Every call of the gateway, and objects to make with it."""

from collections.abc import Callable

import pytest

from provisioning.cluster.client import READ_SECONDS, Gateway
from provisioning.cluster.kinds import POD, SECRET, SERVICE, Ref, kind_of
from provisioning.engine import Body

POSTGRES = kind_of("kubedb.com/v1", "Postgres")


def a_secret(namespace: str, name: str = "one", **labels: str) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "stringData": {"color": "red"},
    }


def a_database(namespace: str, name: str = "pg", **spec: object) -> Body:
    return {
        "apiVersion": "kubedb.com/v1",
        "kind": "Postgres",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"version": "17.5", "storageType": "Ephemeral", **spec},
    }


NOWHERE = Ref(kind=SECRET, name="one", namespace="shop")
A_POD = Ref(kind=POD, name="one", namespace="shop")
A_SERVICE = Ref(kind=SERVICE, name="one", namespace="shop")
CALLS: dict[str, Callable[[Gateway], object]] = {
    "get": lambda gateway: gateway.get(NOWHERE),
    "list": lambda gateway: gateway.list(SECRET, namespace="shop"),
    "create": lambda gateway: gateway.create(a_secret("shop")),
    "merge": lambda gateway: gateway.merge(NOWHERE, {"metadata": {"labels": {"a": "b"}}}),
    "apply": lambda gateway: gateway.apply(a_secret("shop")),
    "delete": lambda gateway: gateway.delete(NOWHERE, uid="1"),
    "version": lambda gateway: gateway.version(),
    "watch": lambda gateway: list(
        gateway.watch(SECRET, labels="", resource_version="1", seconds=5, silence_seconds=READ_SECONDS)
    ),
}
TEXT_CALLS: dict[str, Callable[[Gateway], object]] = {
    "log": lambda gateway: gateway.log(A_POD, container="c", lines=5, limit_bytes=100),
    "page": lambda gateway: gateway.page(A_SERVICE, port="metrics", path="metrics"),
}
"""Those whose answers are text, so that any answer of status 200 is one."""
every_call = pytest.mark.parametrize("call", [*CALLS.values(), *TEXT_CALLS.values()], ids=[*CALLS, *TEXT_CALLS])
