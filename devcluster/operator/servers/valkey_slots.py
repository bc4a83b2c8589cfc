"""Spreads the slots of a running Valkey cluster over its shards, and lets nodes leave it with no key lost.

It knows ports and passwords only. The servers move the keys themselves; every function may run again.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence

from devcluster.operator.probes import RedisError, ask_redis
from devcluster.operator.servers.valkey_nodes import SLOTS, Node, Shards, nodes, until


async def spread(shards: Shards, password: str) -> None:
    """Give every shard an equal part of the slots. Raises: ServerError — it takes too long."""

    async def is_spread() -> bool:
        known = {node.port: node for node in await nodes(shards[0][0], password)}
        primaries = [_primary(shard, known) for shard in shards]
        if not all(primaries):
            await _promote(
                [shard[0] for shard, found in zip(shards, primaries, strict=True) if found is None], password
            )
            return False
        moves = list(_moves(list(known.values()), [node for node in primaries if node is not None]))
        for source, target, ranges in moves:
            words = [word for first, last in ranges for word in (str(first), str(last))]
            # Refused while an earlier move is going on, or has just ended.
            with contextlib.suppress(RedisError):
                command = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", *words, "NODE", target.identity]
                await ask_redis(source.port, password, command)
        return not moves

    await until(is_spread, "the slots are not spread over the shards")


async def forget(ports: Collection[int], leaving: Collection[int], password: str) -> None:
    """Make the nodes that stay forget those that leave. Raises: ServerError — it takes too long."""

    async def is_forgotten() -> bool:
        strangers = [(port, node) for port in ports for node in await nodes(port, password) if node.port in leaving]
        for port, node in strangers:
            # A replica of the leaving node has to follow another one first.
            with contextlib.suppress(RedisError):
                await ask_redis(port, password, ["CLUSTER", "FORGET", node.identity])
        return not strangers

    await until(is_forgotten, "the leaving nodes are still known")


async def _promote(ports: Sequence[int], password: str) -> None:
    for port in ports:
        with contextlib.suppress(RedisError):
            await ask_redis(port, password, ["CLUSTER", "FAILOVER"])


def _primary(shard: Sequence[int], known: dict[int, Node]) -> Node | None:
    """Give the node of a shard that holds slots, or can take some."""
    present = [known[port] for port in shard if port in known]
    holding = [node for node in present if node.has_slots]
    return next(iter([*holding, *(node for node in present if node.is_primary)]), None)


def _moves(known: Sequence[Node], primaries: Sequence[Node]) -> Iterator[tuple[Node, Node, list[tuple[int, int]]]]:
    """Give which ranges have to go from which node to which."""
    for number, target in enumerate(primaries):
        first, end = SLOTS * number // len(primaries), SLOTS * (number + 1) // len(primaries)
        for source in known:
            wrong = sorted(slot for slot in source.slots if first <= slot < end)
            if source.identity != target.identity and wrong:
                yield source, target, list(_ranges(wrong))


def _ranges(slots: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = slots[0]
    for slot, following in zip(slots, [*slots[1:], -1], strict=True):
        if following != slot + 1:
            yield start, slot
            start = following
