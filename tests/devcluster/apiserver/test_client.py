"""The official Python client as a conformance peer."""

import threading
from collections.abc import Iterator
from typing import Any

import kubernetes.client
import kubernetes.config
import kubernetes.dynamic
import kubernetes.watch
import pytest

from tests.devcluster.apiserver.samples import config_map, eventually, postgres
from tests.devcluster.conftest import ApiServer

peer: Any = kubernetes
"""The client, a part of which has no types."""
GROUP = {"group": "kubedb.com", "version": "v1", "plural": "postgreses"}


@pytest.fixture(scope="module")
def connection(cluster: ApiServer) -> Iterator[Any]:
    connection = peer.config.new_client_from_config(config_file=str(cluster.kubeconfig))
    yield connection
    connection.close()


@pytest.fixture
def core_api(connection: Any) -> Any:
    return peer.client.CoreV1Api(connection)


@pytest.fixture
def custom(connection: Any) -> Any:
    return peer.client.CustomObjectsApi(connection)


def test_that_typed_objects_go_there_and_back(core_api: Any, namespace: str) -> None:
    body = peer.client.V1Secret(metadata=peer.client.V1ObjectMeta(name="s"), string_data={"a": "b"})

    made = core_api.create_namespaced_secret(namespace, body)
    listed = core_api.list_namespaced_secret(namespace)

    assert made.data == {"a": "Yg=="}
    assert [one.metadata.uid for one in listed.items] == [made.metadata.uid]


def test_that_custom_objects_go_there_and_back(custom: Any, namespace: str) -> None:
    made = custom.create_namespaced_custom_object(**GROUP, namespace=namespace, body=postgres())
    patched = custom.patch_namespaced_custom_object_status(
        **GROUP, namespace=namespace, name="pg", body={"status": {"phase": "Ready"}}
    )
    custom.delete_namespaced_custom_object(**GROUP, namespace=namespace, name="pg")

    assert made["metadata"]["generation"] == 1
    assert patched["status"]["phase"] == "Ready"
    with pytest.raises(peer.client.ApiException) as missing:
        custom.get_namespaced_custom_object(**GROUP, namespace=namespace, name="pg")
    assert missing.value.status == 404


def test_that_a_conflict_is_an_api_exception(core_api: Any, namespace: str) -> None:
    core_api.create_namespaced_config_map(namespace, config_map())

    with pytest.raises(peer.client.ApiException) as taken:
        core_api.create_namespaced_config_map(namespace, config_map())

    assert taken.value.status == 409
    assert "AlreadyExists" in str(taken.value.body)


def test_that_a_watch_stream_gives_events(core_api: Any, namespace: str) -> None:
    events: list[tuple[str, str]] = []

    def follow() -> None:
        for event in peer.watch.Watch().stream(core_api.list_namespaced_config_map, namespace, timeout_seconds=10):
            events.append((event["type"], event["object"].metadata.name))
            if event["type"] == "DELETED":
                return

    follower = threading.Thread(target=follow)
    follower.start()
    core_api.create_namespaced_config_map(namespace, config_map())
    eventually(lambda: bool(events), "the first event")
    core_api.delete_namespaced_config_map("settings", namespace)
    follower.join(10)

    assert events == [("ADDED", "settings"), ("DELETED", "settings")]


def test_that_the_dynamic_client_finds_and_applies(connection: Any, namespace: str) -> None:
    resources = peer.dynamic.DynamicClient(connection).resources
    postgreses = resources.get(api_version="kubedb.com/v1", kind="Postgres")

    made = postgreses.server_side_apply(body=postgres(), namespace=namespace, field_manager="test")
    listed = postgreses.get(namespace=namespace)

    assert made.spec.version == "17.5"
    assert [one.metadata.name for one in listed.items] == ["pg"]
