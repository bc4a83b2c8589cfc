"""What the nodes of a running Valkey cluster say of each other; the base of joining them and of moving slots."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from devcluster.operator.probes import ask_redis
from devcluster.operator.processes import ServerError

SLOTS = 16384
JOIN_SECONDS = 20.0
POLL_SECONDS = 0.1
COLUMNS_BEFORE_SLOTS = 8
Shards = Sequence[Sequence[int]]
"""The ports of the nodes, one row per shard."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """What a node says of a node."""

    identity: str
    port: int
    is_primary: bool
    slots: frozenset[int]

    @property
    def has_slots(self) -> bool:
        """Whether it holds a part of the keys."""
        return bool(self.slots)


async def nodes(port: int, password: str) -> list[Node]:
    """Ask a node which nodes it knows."""
    (listed,) = await ask_redis(port, password, ["CLUSTER", "NODES"])
    rows = [line.split() for line in str(listed).splitlines()]
    return [
        Node(
            identity=row[0],
            port=int(row[1].partition("@")[0].rpartition(":")[2]),
            is_primary="master" in row[2].split(","),
            slots=_slots(row[COLUMNS_BEFORE_SLOTS:]),
        )
        for row in rows
        if "handshake" not in row[2] and "noaddr" not in row[2]
    ]


def _slots(ranges: Sequence[str]) -> frozenset[int]:
    """Read ranges such as 0-5460; what is in brackets is only on its way."""
    ends = [text.partition("-") for text in ranges if not text.startswith("[")]
    return frozenset(slot for first, _, last in ends for slot in range(int(first), int(last or first) + 1))


async def until(holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Wait until something holds. Raises: ServerError — it takes too long, with what to say then."""
    deadline = time.monotonic() + JOIN_SECONDS
    while not await holds():
        if time.monotonic() > deadline:
            raise ServerError(f"After {JOIN_SECONDS:.0f} s {otherwise}.")
        await asyncio.sleep(POLL_SECONDS)
