"""Joins running Valkey servers to one cluster: they meet, the first of each shard gets its slots, the others copy it.

It knows ports and passwords only. Running it again on a joined cluster changes nothing, and after a restart with other
ports it makes the nodes meet again.
"""

import contextlib

from devcluster.operator.ports import LOOPBACK
from devcluster.operator.probes import RedisError, ask_redis
from devcluster.operator.servers.valkey_nodes import SLOTS, Shards, nodes, until
from devcluster.operator.servers.valkey_slots import spread

NODE_TIMEOUT_MS = 2000
"""News spread within half of it, so it decides how long joining takes; all nodes are on one machine."""
BUS_PORT_DISTANCE = 10000
"""The nodes talk to each other this far below the port for clients; above it are the ports of Services."""


def bus_port(port: int) -> int:
    """Give the port on which a node with this client port talks to the others."""
    return port - BUS_PORT_DISTANCE


def directives(port: int) -> list[str]:
    """Give the lines of the configuration that make a server a node."""
    return [
        "cluster-enabled yes",
        "cluster-config-file nodes.conf",
        f"cluster-node-timeout {NODE_TIMEOUT_MS}",
        f"cluster-port {bus_port(port)}",
        f"cluster-announce-ip {LOOPBACK}",
        f"cluster-announce-port {port}",
        f"cluster-announce-bus-port {bus_port(port)}",
    ]


async def join(shards: Shards, password: str) -> None:
    """Make one cluster of the servers on these ports, one row per shard. Raises: ServerError — it takes too long."""
    ports = [port for shard in shards for port in shard]

    async def is_joined() -> bool:
        return all([await _is_complete(port, password, len(ports)) for port in ports])

    if await is_joined():
        return
    for epoch, shard in enumerate(shards, start=1):
        # Refused by a node that has met others already, which is right.
        with contextlib.suppress(RedisError):
            await ask_redis(shard[0], password, ["CLUSTER", "SET-CONFIG-EPOCH", str(epoch)])
    for position, port in enumerate(ports):
        for other in ports[position + 1 :]:
            await ask_redis(port, password, ["CLUSTER", "MEET", LOOPBACK, str(other), str(bus_port(other))])

    async def have_met() -> bool:
        return all([{node.port for node in await nodes(port, password)} == set(ports) for port in ports])

    await until(have_met, "the nodes do not meet")
    if sum(len(node.slots) for node in await nodes(ports[0], password)) < SLOTS:
        await _take_slots(shards, password)
    await spread(shards, password)
    await _follow_primaries(shards, password)
    await until(is_joined, "the cluster does not become complete")


async def _take_slots(shards: Shards, password: str) -> None:
    """Give the first of each shard its part of the slots of a new cluster; those that somebody has are left out."""
    for number, shard in enumerate(shards):
        first, last = SLOTS * number // len(shards), SLOTS * (number + 1) // len(shards) - 1
        with contextlib.suppress(RedisError):
            await ask_redis(shard[0], password, ["CLUSTER", "ADDSLOTSRANGE", str(first), str(last)])


async def _follow_primaries(shards: Shards, password: str) -> None:
    known = {node.port: node for node in await nodes(shards[0][0], password)}
    for shard in shards:
        primary = next((port for port in shard if known[port].has_slots), shard[0])
        for port in shard:
            if port != primary and known[port].is_primary:
                await ask_redis(port, password, ["CLUSTER", "REPLICATE", known[primary].identity])


async def _is_complete(port: int, password: str, count: int) -> bool:
    (state,) = await ask_redis(port, password, ["CLUSTER", "INFO"])
    lines = str(state).splitlines()
    return "cluster_state:ok" in lines and f"cluster_known_nodes:{count}" in lines and await _is_serving(port, password)


async def _is_serving(port: int, password: str) -> bool:
    """A node without slots that copies nobody is not in its place yet."""
    (role,) = await ask_redis(port, password, ["ROLE"])
    if isinstance(role, list) and role[0] == "master":
        return any(node.port == port and node.has_slots for node in await nodes(port, password))
    return isinstance(role, list) and role[3] == "connected"
