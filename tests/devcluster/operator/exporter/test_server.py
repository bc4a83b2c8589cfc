"""That whoever does not know the token reads nothing, and that a server that died is told as down."""

import base64
import os
import signal

import httpx
import pytest

from tests.devcluster.operator.conftest import STORAGE, Namespace, wait_until

pytestmark = pytest.mark.processes


def kubelet(namespace: Namespace) -> tuple[str, str]:
    """Return where the operator listens, and the token."""
    held = namespace.get("/api/v1/namespaces/kube-system/secrets/pocket-kubelet")["data"]
    return base64.b64decode(held["url"]).decode(), base64.b64decode(held["token"]).decode()


@pytest.mark.parametrize("path", ["/logs/a/b", "/stats/a/b/metrics", "/usage", "/nothing"])
def test_that_a_token_is_needed(namespace: Namespace, path: str) -> None:
    url, token = kubelet(namespace)

    without = httpx.get(url + path)
    wrong = httpx.get(url + path, headers={"Authorization": f"Bearer {token}x"})

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("path", ["/logs/a/%2e%2e%2f%2e%2e", "/logs/%2e%2e/x", "/logs/a/b", "/stats/a/b/metrics"])
def test_that_only_names_lead_anywhere(namespace: Namespace, path: str) -> None:
    url, token = kubelet(namespace)

    assert httpx.get(url + path, headers={"Authorization": f"Bearer {token}"}).status_code == 404


def test_that_a_dead_server_is_down(namespace: Namespace) -> None:
    path = namespace.create(
        "redises", "Redis", "cart", version="7.4.6", storage=STORAGE, monitor={"agent": "prometheus.io/operator"}
    )
    namespace.wait_for_phase(path, "Ready")
    stats = f"/api/v1/namespaces/{namespace.name}/services/cart-stats:metrics/proxy/metrics"

    def up() -> str:
        return next(line for line in namespace.client.get(stats).text.splitlines() if line.startswith("redis_up{"))

    before = up()
    os.kill(namespace.server_pid("cart-0"), signal.SIGSTOP)
    stopped = up()
    os.kill(namespace.server_pid("cart-0"), signal.SIGCONT)
    wait_until(lambda: up().endswith(" 1"), "it is up again")

    assert before.endswith(" 1")
    assert stopped.endswith(" 0")
    assert "prometheus.io/scrape" not in (namespace.core("services", "cart-stats")["metadata"].get("annotations") or {})
