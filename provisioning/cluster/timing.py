"""How long calls to a cluster take, by what was asked and what was answered, for /metrics."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.counters import CLUSTER_CALL_DURATION

_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "GET": "get"}


class Call:
    """Around one call; set `status` once there is an answer."""

    def __init__(self, cluster: str, method: str, query: Mapping[str, str]) -> None:
        """Remember what is asked, in Kubernetes' verbs."""
        self._cluster = cluster
        self._verb = "watch" if "watch" in query else "list" if "limit" in query else _VERBS[method]
        self.status: int | None = None

    def __enter__(self) -> Self:
        """Start the clock."""
        self._began = SYSTEM_CLOCK.monotonic()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Count the call, whatever it ended in."""
        status = "none" if self.status is None else str(self.status)
        took_seconds = SYSTEM_CLOCK.monotonic() - self._began
        CLUSTER_CALL_DURATION.labels(cluster=self._cluster, verb=self._verb, status=status).observe(took_seconds)
