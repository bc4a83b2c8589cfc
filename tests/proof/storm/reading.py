"""Everything of a system that people may read, as texts in which no secret may stand: logs, messages, timelines, events, errors, the audit log."""

import base64
import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, LiteralString

import orjson
import redis

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import EVENT
from tests.proof.storm.metadata import MetadataDatabase

_TOLD: tuple[LiteralString, ...] = (
    "SELECT params, step_data, waiting_for, error_detail, request_id FROM provisioning_operation",
    "SELECT message FROM provisioning_operationevent",
    "SELECT reason, message FROM provisioning_databaseevent",
    "SELECT * FROM accounts_auditevent",
)
_CHUNK_BYTES = 8_000_000


def logs_in(folder: Path) -> dict[str, str]:
    """Return the log of every process, by its file's name; of a very long one the end."""
    found = {}
    for path in sorted(folder.glob("*.log*")):
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - _CHUNK_BYTES))
            found[path.name] = log.read().decode(errors="replace")
    return found


def deaths_told(logs: Mapping[str, str]) -> int:
    """Return how many of its children the workers' logs say were killed."""
    return sum(text.count("exited prematurely: signal 9") for text in logs.values())


def told_by(database: MetadataDatabase) -> dict[str, str]:
    """Return what timelines, errors, events and the audit log say, by statement."""
    return {statement: orjson.dumps(database.rows(statement), default=str).decode() for statement in _TOLD}


def events_in(gateway: Gateway) -> dict[str, str]:
    """Return what the cluster's events say."""
    return {"events of the cluster": orjson.dumps(gateway.list(EVENT)[0]).decode()}


def answers_of(bodies: Iterable[str]) -> dict[str, str]:
    """Return the bodies of all errors that customers were sent."""
    return {"errors sent to customers": "\n".join(bodies)}


class Messages:
    """What passes through the broker: looked at now and then, because a message that was taken is gone."""

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        self.bodies: set[str] = set()
        self.looks = 0

    def look(self) -> None:
        """Read every queue, without taking anything; a broker that is away has none."""
        with contextlib.suppress(redis.RedisError):
            for name in self._client.scan_iter("*"):
                self.bodies.update(self._texts(name))
            self.looks += 1

    def texts(self) -> dict[str, str]:
        """Return all that was seen."""
        return {"messages": "\n".join(sorted(self.bodies))}

    def _texts(self, name: bytes) -> list[str]:
        kind = self._client.type(name)
        if kind == b"list":
            held: Any = self._client.lrange(name, 0, -1)
        elif kind == b"hash":
            held = self._client.hvals(name.decode())
        else:
            return []
        return [_readable(message) for message in held]


def _readable(message: bytes) -> str:
    """Return a message with its body decoded, without what differs from one to the next and says nothing."""
    try:
        parsed = json.loads(message)
        wrapped = parsed[0] if isinstance(parsed, list) else parsed
        return base64.b64decode(wrapped["body"]).decode() + json.dumps(wrapped.get("headers", {}).get("argsrepr", ""))
    except (ValueError, KeyError, TypeError):
        return message.decode(errors="replace")
