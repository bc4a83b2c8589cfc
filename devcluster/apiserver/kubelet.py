"""Asks whoever plays the kubelet: the operator, found through the Secret in which it says where it listens. What is asked is decided elsewhere."""

import base64
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp
import orjson

from devcluster.apiserver.errors import ApiError
from devcluster.apiserver.store import Key, Store

SECRET = Key("secrets", "kube-system", "pocket-kubelet")
ANSWER_SECONDS = 10.0


class Answer(NamedTuple):
    """What the kubelet said."""

    status: int
    content_type: str
    body: bytes


class Kubelet:
    """A client that opens a connection for each question: they are rare."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def ask(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """Get a path. Raises: ApiError — 503, when nobody listens."""
        stored = self._store.get(SECRET)
        if stored is None:
            raise unavailable("no kubelet has registered; is the operator running?")
        encoded = orjson.loads(stored).get("data") or {}
        said = {name: base64.b64decode(value).decode() for name, value in encoded.items()}
        headers = {"Authorization": f"Bearer {said.get('token', '')}"}
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit, headers=headers) as session,
                session.get(said.get("url", "") + path, params=dict(query or {}), allow_redirects=False) as response,
            ):
                return Answer(response.status, response.headers.get("Content-Type", ""), await response.read())
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise unavailable(
                f"the kubelet does not answer ({type(error).__name__}); is the operator running?"
            ) from error


def unavailable(why: str) -> ApiError:
    """Make the 503 of something behind the API server that is not there."""
    return ApiError(503, "ServiceUnavailable", why)
