"""A raw HTTPS client and a namespace of its own for every test."""

import itertools
import ssl
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.devcluster.conftest import ApiServer

_numbers = itertools.count(1)
Connect = Callable[..., httpx.Client]


def connect_to(server: ApiServer, token: str | None = None) -> httpx.Client:
    """Open a client that trusts the server, as the administrator unless a token is given."""
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    headers = {"Authorization": f"Bearer {server.token if token is None else token}"}
    return httpx.Client(base_url=server.url, verify=trust, headers=headers, timeout=10)


@pytest.fixture(scope="session")
def api(cluster: ApiServer) -> Iterator[httpx.Client]:
    with connect_to(cluster) as client:
        yield client


@pytest.fixture
def connect(cluster: ApiServer) -> Iterator[Connect]:
    """Give a function that opens clients with another token."""
    opened: list[httpx.Client] = []

    def open_client(token: str) -> httpx.Client:
        opened.append(connect_to(cluster, token))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def namespace(api: httpx.Client) -> str:
    name = f"test-{next(_numbers)}"
    answer = api.post("/api/v1/namespaces", json={"metadata": {"name": name}})
    assert answer.status_code == 201
    return name
