"""Tells sentinels which Valkey server to watch, and asks them and the servers who is the primary.

It knows ports, names and passwords only.
"""

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import RedisError, Reply, ask_redis
from devcluster.operator.processes import ServerError

DOWN_AFTER_MS = 5000
FAILOVER_TIMEOUT_MS = 10000
HAND_OVER_SECONDS = 40.0
POLL_SECONDS = 0.2


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
        """Make every sentinel watch the primary, unless it watches one of the known servers already; keep its settings."""
        quorum = str(len(self.ports) // 2 + 1)
        settings = {"down-after-milliseconds": str(DOWN_AFTER_MS), "failover-timeout": str(FAILOVER_TIMEOUT_MS)}
        if password:
            settings["auth-pass"] = password
        for port in self.ports:
            sentinel = Sentinels(ports=(port,), password=self.password)
            if await sentinel.primary_port(name) in known:
                changes = [["SENTINEL", "SET", name, "quorum", quorum]]
                changes += [["SENTINEL", "SET", name, option, value] for option, value in settings.items()]
                await ask_redis(port, self.password, *changes)
                await self._forget_strangers(port, name, known)
                continue
            await sentinel.forget(name)
            await ask_redis(
                port,
                self.password,
                ["SENTINEL", "MONITOR", name, LOOPBACK, str(primary_port), quorum],
                *(["SENTINEL", "SET", name, option, value] for option, value in settings.items()),
            )

    async def _forget_strangers(self, port: int, name: str, known: Collection[int]) -> None:
        """Servers and sentinels that were removed would be waited for, and counted in a vote."""
        questions = [["SENTINEL", word, name] for word in ("REPLICAS", "SENTINELS")]
        replicas, others = await ask_redis(port, self.password, *questions)
        if not (_ports(replicas) <= set(known) and _ports(others) <= set(self.ports)):
            await ask_redis(port, self.password, ["SENTINEL", "RESET", name])

    async def set_password(self, name: str, password: str) -> None:
        """Tell every sentinel that can be reached how to log in to the servers of a name."""
        for port in self.ports:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await ask_redis(port, self.password, ["SENTINEL", "SET", name, "auth-pass", password])

    async def hand_over(self, name: str, leaving: Collection[int], password: str) -> None:
        """Make a server that stays the primary, if a leaving one is. Raises: ServerError — it takes too long."""
        for port in leaving:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await ask_redis(port, password, ["CONFIG", "SET", "replica-priority", "0"])
        deadline = time.monotonic() + HAND_OVER_SECONDS
        while (primary := await self.primary_port(name)) in leaving or not await is_primary(primary or 0, password):
            if time.monotonic() > deadline:
                raise ServerError(f"No other server became primary within {HAND_OVER_SECONDS:.0f} s.")
            if primary in leaving:
                await self._fail_over(name)
            await asyncio.sleep(POLL_SECONDS)

    async def _fail_over(self, name: str) -> None:
        """Ask one sentinel; it refuses while a failover is going on, and while it knows no fitting replica yet."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            await ask_redis(self.ports[0], self.password, ["SENTINEL", "FAILOVER", name])

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


def _ports(answer: Reply) -> set[int]:
    """Read the ports out of a list of servers, each a list of names and values in turn."""
    rows = [row for row in answer if isinstance(row, list)] if isinstance(answer, list) else []
    return {int(str(row[row.index("port") + 1])) for row in rows}


def first_word(answer: Reply) -> str:
    """Give the role out of the answer to ROLE."""
    return str(answer[0]) if isinstance(answer, list) and answer else ""
