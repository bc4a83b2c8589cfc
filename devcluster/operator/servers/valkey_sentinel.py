"""Tells sentinels which Valkey server to watch, and asks them and the servers who is the primary.

It knows ports, names and passwords only.
"""

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import RedisError, Reply, ask_redis

DOWN_AFTER_MS = 5000
FAILOVER_TIMEOUT_MS = 10000


@dataclass(frozen=True, kw_only=True)
class Sentinels:
    """A set of running sentinels."""

    ports: tuple[int, ...]
    password: str

    async def primary_port(self, name: str) -> int | None:
        """Ask which port the primary of a name has; None when no sentinel knows the name."""
        for port in self.ports:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                (answer,) = await ask_redis(port, self.password, ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])
                if isinstance(answer, list):
                    return int(str(answer[1]))
        return None

    async def watch(self, name: str, primary_port: int, password: str, *, known: Collection[int]) -> None:
        """Make every sentinel watch the primary, unless it watches one of the known servers already."""
        quorum = str(len(self.ports) // 2 + 1)
        settings = {"down-after-milliseconds": str(DOWN_AFTER_MS), "failover-timeout": str(FAILOVER_TIMEOUT_MS)}
        if password:
            settings["auth-pass"] = password
        for port in self.ports:
            sentinel = Sentinels(ports=(port,), password=self.password)
            if await sentinel.primary_port(name) in known:
                continue
            await sentinel.forget(name)
            await ask_redis(
                port,
                self.password,
                ["SENTINEL", "MONITOR", name, LOOPBACK, str(primary_port), quorum],
                *(["SENTINEL", "SET", name, option, value] for option, value in settings.items()),
            )

    async def forget(self, name: str) -> None:
        """Make every sentinel that can be reached stop watching a name."""
        for port in self.ports:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await ask_redis(port, self.password, ["SENTINEL", "REMOVE", name])


async def is_primary(port: int, password: str) -> bool | None:
    """Ask a server for its role; None when it does not answer."""
    try:
        (answer,) = await ask_redis(port, password, ["ROLE"])
    except (RedisError, OSError, TimeoutError):
        return None
    return first_word(answer) == "master"


async def follow(ports: Sequence[int], primary_port: int, password: str) -> None:
    """Make servers that follow nobody, or somebody else, follow the primary."""
    for port in ports:
        (answer,) = await ask_redis(port, password, ["ROLE"])
        if first_word(answer) != "slave" or not isinstance(answer, list) or answer[2] != primary_port:
            await ask_redis(port, password, ["REPLICAOF", LOOPBACK, str(primary_port)])


def first_word(answer: Reply) -> str:
    """Give the role out of the answer to ROLE."""
    return str(answer[0]) if isinstance(answer, list) and answer else ""
