"""Gateways to the pocket cluster in trouble, and to a listener of the test's own."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import urllib3

from provisioning.cluster.client import Gateway, Reach
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.conftest import ApiServer
from tests.provisioning.cluster.listener import Listener

Trouble = Callable[..., None]
_numbers = itertools.count(1)

SHORTER_BY = 50
"""By how much `quick_timeouts` shortens the real ones: 10 s become 0.2 s."""


@pytest.fixture
def admin(cluster: ApiServer) -> Iterator[httpx.Client]:
    """A raw client of the pocket cluster's administrator."""
    with connect_to(cluster) as client:
        yield client


@pytest.fixture
def trouble(admin: httpx.Client) -> Iterator[Trouble]:
    """Ask the pocket cluster for a fault; it behaves again after the test."""

    def ask(fault: str, *, seconds: float | None = None, retry_after: int | None = None, **match: Any) -> None:
        rule: dict[str, Any] = {"match": match, "fault": fault}
        rule |= {} if seconds is None else {"seconds": seconds}
        rule |= {} if retry_after is None else {"retry_after": retry_after}
        assert admin.post("/_faults", json=rule).status_code == 201

    yield ask
    admin.delete("/_faults")


@pytest.fixture
def namespace(kube: Gateway) -> str:
    """A namespace of the test's own."""
    name = f"gateway-{next(_numbers)}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A server that answers what the test says."""
    with Listener(tmp_path) as server:
        yield server


@pytest.fixture
def gateway(listener: Listener) -> Gateway:
    """A gateway to the listener."""
    return Gateway(Reach(kubeconfig_path=listener.write_kubeconfig()))


@pytest.fixture
def quick_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every timeout that the gateway gives to the HTTP library pass fifty times as fast."""
    real = urllib3.Timeout

    def shorter(*, connect: float, read: float) -> urllib3.Timeout:
        return real(connect=connect / SHORTER_BY, read=read / SHORTER_BY)

    monkeypatch.setattr(urllib3, "Timeout", shorter)
