"""That whatever comes back, or does not, ends in time and in one of our own errors, without what a stranger said."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import CONNECT_SECONDS, READ_SECONDS, Gateway, Reach
from provisioning.cluster.errors import (
    AlreadyExists,
    ClusterBusy,
    ClusterConflict,
    ClusterForbids,
    ClusterLogin,
    ClusterRefuses,
    ClusterUnavailable,
    ObjectMissing,
    VersionExpired,
)
from provisioning.cluster.kinds import SECRET, Ref, ref_of
from tests.devcluster.conftest import ApiServer
from tests.provisioning.cluster.calls import CALLS, TEXT_CALLS, a_secret, every_call
from tests.provisioning.cluster.conftest import SHORTER_BY, Trouble
from tests.provisioning.cluster.listener import HANG, Listener, answer, status_body


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(401, status_body(401, "Unauthorized")), ClusterLogin),
        (answer(403, status_body(403, "Forbidden")), ClusterForbids),
        (answer(409, status_body(409, "Conflict")), ClusterConflict),
        (answer(409, status_body(409, "AlreadyExists")), AlreadyExists),
        (answer(410, status_body(410, "Expired")), VersionExpired),
        (answer(422, status_body(422, "Invalid")), ClusterRefuses),
        (answer(429, status_body(429, "TooManyRequests")), ClusterBusy),
        (answer(500, status_body(500, "InternalError")), ClusterUnavailable),
        (answer(503, status_body(503, "ServiceUnavailable")), ClusterUnavailable),
        (answer(502, b"<h1>Bad gateway: canary-secret</h1>"), ClusterUnavailable),
        (answer(403, b"<h1>Not on this network: canary-secret</h1>"), ClusterUnavailable),
        (answer(404, b"404 page not found"), ClusterUnavailable),
        (answer(302, b"", Location="http://127.0.0.1:1/canary-secret"), ClusterUnavailable),
        (answer(200, b'{"items": ["canary-secret'), ClusterUnavailable),
        (answer(200, b'{"items": ["canary-secret', missing_bytes=99), ClusterUnavailable),
        (answer(200, b"<h1>Log in, canary-secret</h1>\n"), ClusterUnavailable),
        (answer(200, b'["canary-secret"]\n'), ClusterUnavailable),
        (b"canary-secret speaks no HTTP\r\n\r\n", ClusterUnavailable),
        (b"", ClusterUnavailable),
    ],
)
def test_that_every_call_ends_in_an_error_of_ours_after_one_attempt(
    gateway: Gateway, listener: Listener, said: bytes, expected: type[Transient | Permanent]
) -> None:
    listener.answers = [said]

    errors = {name: error_of(call, gateway) for name, call in CALLS.items()}

    assert {name: type(error) for name, error in errors.items()} == dict.fromkeys(CALLS, expected)
    assert [error for error in errors.values() if "canary" in str(error)] == []
    assert len(listener.heard) == len(CALLS)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(400, status_body(400, "BadRequest")), ClusterRefuses),
        (answer(404, status_body(404, "NotFound")), ObjectMissing),
        (answer(403, status_body(403, "Forbidden")), ClusterForbids),
        (answer(404, b"404 page not found: canary-secret"), ClusterUnavailable),
        (answer(200, b"canary-secret", missing_bytes=99), ClusterUnavailable),
        (b"", ClusterUnavailable),
    ],
)
def test_that_reading_text_ends_in_an_error_of_ours_after_one_attempt(
    gateway: Gateway, listener: Listener, said: bytes, expected: type[Transient | Permanent]
) -> None:
    listener.answers = [said]

    errors = [error_of(call, gateway) for call in TEXT_CALLS.values()]

    assert [type(error) for error in errors] == [expected] * len(TEXT_CALLS)
    assert [error for error in errors if "canary" in str(error)] == []
    assert len(listener.heard) == len(TEXT_CALLS)


def error_of(call: Callable[[Gateway], object], gateway: Gateway) -> Exception | None:
    """Return what the call raises, whatever it is: the test looks at it."""
    try:
        call(gateway)
    except Exception as error:  # noqa: BLE001 -- see above
        return error
    return None


def test_that_a_refusal_s_message_is_shown_without_its_secrets(gateway: Gateway, listener: Listener) -> None:
    message = "spec.init.git: cannot read https://bob:canary@git/x: not found"
    listener.answers = [answer(422, status_body(422, "Invalid", message))]

    with pytest.raises(ClusterRefuses) as caught:
        gateway.create(a_secret("shop"))

    assert caught.value.detail.startswith("creating Secret shop/one: spec.init.git: cannot read https://")
    assert "canary" not in caught.value.detail


def test_that_a_wait_that_the_cluster_asks_for_is_passed_on_not_slept(gateway: Gateway, listener: Listener) -> None:
    listener.answers = [answer(429, status_body(429, "TooManyRequests"), Retry_After="30")]
    began = time.monotonic()

    errors = [error_of(call, gateway) for call in CALLS.values()]

    assert [getattr(error, "retry_after", None) for error in errors] == [timedelta(seconds=30)] * len(CALLS)
    assert time.monotonic() - began < 10
    assert len(listener.heard) == len(CALLS)


@every_call
@pytest.mark.usefixtures("quick_timeouts")
def test_that_a_call_that_gets_no_answer_ends_in_time(
    gateway: Gateway, listener: Listener, call: Callable[[Gateway], object]
) -> None:
    listener.answers = [HANG]
    began = time.monotonic()

    with pytest.raises(ClusterUnavailable, match="Timeout"):
        call(gateway)

    assert READ_SECONDS / SHORTER_BY <= time.monotonic() - began < 4 * READ_SECONDS / SHORTER_BY
    assert len(listener.heard) == 1


@pytest.mark.usefixtures("quick_timeouts")
def test_that_a_cluster_that_takes_no_connection_is_given_up_in_time(listener: Listener) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for caller in waiting:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        path = Path(listener.write_kubeconfig())
        path.write_text(path.read_text().replace(listener.address, f"127.0.0.1:{port}"))
        began = time.monotonic()

        with pytest.raises(ClusterUnavailable, match="ConnectTimeoutError"):
            Gateway(Reach(kubeconfig_path=str(path))).version()

        assert CONNECT_SECONDS / SHORTER_BY <= time.monotonic() - began < 0.9
        for caller in waiting:
            caller.close()


@pytest.mark.parametrize("fault", ["500", "503", "reset_before"])
def test_that_a_fault_before_the_effect_leaves_nothing(
    kube: Gateway, namespace: str, trouble: Trouble, fault: str
) -> None:
    trouble(fault, verb="create", namespace=namespace)

    with pytest.raises(ClusterUnavailable):
        kube.create(a_secret(namespace))

    assert kube.get(ref_of(a_secret(namespace))) is None


@pytest.mark.usefixtures("quick_timeouts")
@pytest.mark.parametrize("fault", ["timeout_after_effect", "reset_after"])
def test_that_an_effect_whose_answer_was_lost_is_found_by_the_next_try(
    kube: Gateway, namespace: str, trouble: Trouble, fault: str
) -> None:
    trouble(fault, verb="create", namespace=namespace)

    with pytest.raises(ClusterUnavailable):
        kube.create(a_secret(namespace))

    with pytest.raises(AlreadyExists):
        kube.create(a_secret(namespace))


@pytest.mark.usefixtures("quick_timeouts")
def test_that_a_slow_answer_is_not_waited_for(kube: Gateway, namespace: str, trouble: Trouble) -> None:
    trouble("delay", verb="get", namespace=namespace, seconds=2 * READ_SECONDS / SHORTER_BY)

    with pytest.raises(ClusterUnavailable, match="ReadTimeoutError"):
        kube.get(Ref(kind=SECRET, name="one", namespace=namespace))


def test_that_a_server_that_is_not_trusted_is_not_spoken_to(cluster_without_trust: Gateway) -> None:
    with pytest.raises(ClusterUnavailable, match="certificate"):
        cluster_without_trust.version()


@pytest.fixture
def cluster_without_trust(cluster: ApiServer, tmp_path: Path) -> Gateway:
    """A gateway to the pocket cluster that has not been told the cluster's certificate authority."""
    lines = cluster.kubeconfig.read_text().splitlines(keepends=True)
    path = tmp_path / "untrusting"
    path.write_text("".join(line for line in lines if "certificate-authority" not in line))
    return Gateway(Reach(kubeconfig_path=str(path)))


@pytest.mark.parametrize(
    "content",
    [None, "", "- a list", "clusters: [unclosed, canary-secret", "{}", "apiVersion: v1\nclusters: canary-secret", "\0"],
)
def test_that_an_unreadable_kubeconfig_is_a_cluster_out_of_reach(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ClusterUnavailable, match="access configuration cannot be read") as caught:
        Gateway(Reach(kubeconfig_path=str(path))).version()

    assert "canary" not in caught.value.detail


def test_that_a_context_that_is_not_there_is_told(listener: Listener) -> None:
    reach = Reach(kubeconfig_path=listener.write_kubeconfig(), context="elsewhere")

    with pytest.raises(ClusterUnavailable, match="access configuration cannot be read"):
        Gateway(reach).version()


def test_that_outside_a_cluster_there_is_no_account_of_a_pod() -> None:
    with pytest.raises(ClusterUnavailable, match="access configuration cannot be read"):
        Gateway(Reach()).version()
