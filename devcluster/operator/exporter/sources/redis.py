"""What redis_exporter says of a Redis or Valkey server, asked from the real one with INFO and one CONFIG GET.

Source: oliver006/redis_exporter, exporter/metrics.go.
"""

from collections.abc import Mapping, Sequence

from devcluster.operator.engine import Login
from devcluster.operator.exporter.text import Sample
from devcluster.operator.probes import ask_redis

PLURAL = "redises"
UP = "redis_up"
_FROM_INFO: Mapping[str, str] = {
    "connected_clients": "redis_connected_clients",
    "maxclients": "redis_config_maxclients",
    "total_commands_processed": "redis_commands_processed_total",
    "keyspace_hits": "redis_keyspace_hits_total",
    "keyspace_misses": "redis_keyspace_misses_total",
    "used_memory": "redis_memory_used_bytes",
    "maxmemory": "redis_memory_max_bytes",
    "connected_slaves": "redis_connected_slaves",
    "evicted_keys": "redis_evicted_keys_total",
    "expired_keys": "redis_expired_keys_total",
    "total_net_input_bytes": "redis_net_input_bytes_total",
    "total_net_output_bytes": "redis_net_output_bytes_total",
    "master_repl_offset": "redis_master_repl_offset",
    "slave_repl_offset": "redis_slave_repl_offset",
    "uptime_in_seconds": "redis_uptime_in_seconds",
}
_LAG = "redis_connected_slave_lag_seconds"
_LAG_BYTES = "redis_connected_slave_lag_bytes"


async def read(port: int, login: Login) -> Sequence[Sample]:
    """Ask the server of one pod. Raises: RedisError, OSError, TimeoutError."""
    (answer,) = await ask_redis(port, login.password, ["INFO"])
    said = dict(_fields(str(answer)))
    found = [
        Sample(name=name, value=float(said[field])) for field, name in _FROM_INFO.items() if _is_number(said, field)
    ]
    offset = float(said.get("master_repl_offset", 0))
    for name, text in said.items():
        if name.startswith("slave") and name[5:].isdigit():
            found += _of_replica(dict(part.partition("=")[::2] for part in text.split(",")), offset)
    for name, text in said.items():
        if name.startswith("db") and name[2:].isdigit():
            keys = float(dict(part.partition("=")[::2] for part in text.split(",")).get("keys", 0))
            found.append(Sample(name="redis_db_keys", value=keys, labels={"db": name}))
    return found


def _fields(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition(":")[::2] for line in text.splitlines() if ":" in line)
    return [(name, value) for name, value in pairs]


def _is_number(said: Mapping[str, str], field: str) -> bool:
    return said.get(field, "").lstrip("-").replace(".", "", 1).isdigit()


def _of_replica(replica: Mapping[str, str], offset: float) -> list[Sample]:
    """`lag` is how long ago the replica answered, in whole seconds; the offset is how far it is behind."""
    labels = {"slave_ip": replica.get("ip", ""), "slave_port": replica.get("port", "")}
    behind = max(0.0, offset - float(replica.get("offset", 0)))
    return [
        Sample(name=_LAG, value=float(replica.get("lag", 0)), labels=labels),
        Sample(name=_LAG_BYTES, value=behind, labels=labels),
    ]
