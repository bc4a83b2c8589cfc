"""That every kind has the address at which the Kubernetes API serves it."""

import httpx
import pytest

from provisioning.cluster.kinds import (
    DATABASE_KINDS,
    EVENT,
    NAMESPACE,
    SECRET,
    SERVICE,
    Kind,
    Ref,
    UnknownKind,
    kind_of,
    ref_of,
)
from provisioning.engines import all_engines


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "path"),
    [
        (NAMESPACE, None, None, "/api/v1/namespaces"),
        (NAMESPACE, None, "shop", "/api/v1/namespaces/shop"),
        (NAMESPACE, "ignored", "shop", "/api/v1/namespaces/shop"),
        (SECRET, None, None, "/api/v1/secrets"),
        (SECRET, "shop", "one", "/api/v1/namespaces/shop/secrets/one"),
        (DATABASE_KINDS[0], "shop", None, "/apis/kubedb.com/v1/namespaces/shop/postgreses"),
        (DATABASE_KINDS[0], "shop", "pg", "/apis/kubedb.com/v1/namespaces/shop/postgreses/pg"),
    ],
)
def test_that_a_path_is_made_of_group_namespace_and_name(
    kind: Kind, namespace: str | None, name: str | None, path: str
) -> None:
    assert kind.path(namespace, name) == path


@pytest.mark.parametrize("kind", [NAMESPACE, SECRET, SERVICE, EVENT, *DATABASE_KINDS], ids=lambda kind: kind.kind)
def test_that_the_cluster_serves_every_kind_where_the_table_says(admin: httpx.Client, kind: Kind) -> None:
    answer = admin.get(kind.path())

    assert (answer.status_code, answer.json()["kind"]) == (200, f"{kind.kind}List")


def test_that_every_engine_s_kind_is_watched_and_compared() -> None:
    assert {engine.kind for engine in all_engines().values()} <= {kind.kind for kind in DATABASE_KINDS}


def test_that_a_body_tells_its_address() -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "shop"}}

    assert ref_of(body) == Ref(kind=SECRET, name="one", namespace="shop")
    assert ref_of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}).namespace is None


def test_that_an_address_reads_well() -> None:
    assert str(Ref(kind=SECRET, name="one", namespace="shop")) == "Secret shop/one"
    assert str(Ref(kind=NAMESPACE, name="shop")) == "Namespace shop"


def test_that_a_kind_without_an_address_is_told() -> None:
    with pytest.raises(UnknownKind, match="No address is known for Pod in v1"):
        kind_of("v1", "Pod")
