"""That a watch tells every change, and how it ended."""

import pytest

from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import (
    ClusterUnavailable,
    VersionExpired,
)
from provisioning.cluster.kinds import NAMESPACE, SECRET, ref_of
from provisioning.engine import Body
from tests.provisioning.cluster.calls import POSTGRES, a_database
from tests.provisioning.cluster.conftest import Trouble
from tests.provisioning.cluster.listener import HANG, Listener, answer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def watched(kube: Gateway, namespace: str, *, seconds: int = 5, silence_seconds: int = 5) -> tuple[Body, list[Body]]:
    """Make a namespace of the test's own visible in a watch: create it, and read events until the stream ends."""
    made = kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{namespace}-seen"}})
    version = str(int(made["metadata"]["resourceVersion"]) - 1)
    events = kube.watch(
        NAMESPACE, labels="", resource_version=version, seconds=seconds, silence_seconds=silence_seconds
    )
    return made, list(events)


def test_that_a_watch_ends_by_itself_with_a_bookmark(kube: Gateway, namespace: str) -> None:
    made, events = watched(kube, namespace, seconds=1)

    told = [(event["type"], event["object"]["metadata"].get("name")) for event in events]
    assert ("ADDED", made["metadata"]["name"]) in told
    assert told[-1] == ("BOOKMARK", None)


def test_that_a_watch_tells_every_change_in_order(kube: Gateway, namespace: str) -> None:
    _, start = kube.list(POSTGRES, namespace=namespace)
    body = a_database(namespace, deletionPolicy="Delete")
    made = kube.create({**body, "metadata": {**body["metadata"], "labels": {"w": namespace}}})
    kube.merge(ref_of(made), {"spec": {"deletionPolicy": "WipeOut"}})
    kube.delete(ref_of(made), uid=made["metadata"]["uid"])

    stream = kube.watch(POSTGRES, labels=f"w={namespace}", resource_version=start, seconds=1, silence_seconds=5)

    told = [event["type"] for event in stream if event["type"] != "BOOKMARK"]
    assert (told[:2], told[-1]) == (["ADDED", "MODIFIED"], "DELETED")


def test_that_a_watch_that_is_cut_is_told(kube: Gateway, namespace: str, trouble: Trouble) -> None:
    trouble("cut_watch", verb="watch", resource="namespaces")

    with pytest.raises(ClusterUnavailable, match="watching namespaces: the stream broke"):
        watched(kube, namespace)


def test_that_a_watch_from_too_long_ago_says_so(kube: Gateway, namespace: str, trouble: Trouble) -> None:
    trouble("gone", verb="watch", resource="namespaces")

    with pytest.raises(VersionExpired):
        watched(kube, namespace)


def test_that_a_watch_that_falls_silent_is_given_up(gateway: Gateway, listener: Listener) -> None:
    event = b'{"type":"ADDED","object":{}}\n'
    listener.answers = [CHUNKED + b"1d\r\n" + event + b"\r\n" + HANG]
    stream = gateway.watch(SECRET, labels="", resource_version="1", seconds=60, silence_seconds=1)

    first = next(stream)

    assert first == {"type": "ADDED", "object": {}}
    with pytest.raises(ClusterUnavailable, match="the stream broke"):
        next(stream)


@pytest.mark.parametrize(
    "line", [b"{}", b'{"type":"ADDED"}', b'{"type":"ERROR","object":"canary"}', b'{"type":"ADDED","obj']
)
def test_that_a_line_that_is_no_event_ends_the_watch(gateway: Gateway, listener: Listener, line: bytes) -> None:
    listener.answers = [answer(200, line)]
    stream = gateway.watch(SECRET, labels="", resource_version="1", seconds=60, silence_seconds=1)

    with pytest.raises(ClusterUnavailable) as caught:
        list(stream)

    assert "canary" not in caught.value.detail
