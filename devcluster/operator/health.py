"""What a look at a database's servers says, and which conditions follow from it."""

import asyncio
from dataclasses import dataclass

from devcluster.operator.engine import Engine, Workload
from devcluster.operator.phases import Type


@dataclass(frozen=True, kw_only=True)
class Health:
    """The result of one look."""

    pods: dict[str, bool]
    accepting: bool

    @property
    def complete(self) -> bool:
        """Whether all is well."""
        return self.accepting and all(self.pods.values())

    @property
    def conditions(self) -> dict[Type, bool]:
        """The conditions that follow, in the order in which KubeDB sets them."""
        return {
            Type.REPLICA_READY: all(self.pods.values()),
            Type.ACCEPTING_CONNECTION: self.accepting,
            Type.READY: self.accepting,
        }


async def assess(engine: Engine, workload: Workload, labels: dict[str, dict[str, str]]) -> Health:
    """Ask every server whether it answers; `labels` are the pods' present labels, which tell their roles."""
    shapes = workload.layout.pods
    real = [pod for pod in shapes if engine.has_server(workload.db, pod)]
    answers = await asyncio.gather(*(engine.is_healthy(workload, pod) for pod in real))
    pods = {pod.name: True for pod in shapes} | dict(zip((pod.name for pod in real), answers, strict=True))
    return Health(pods=pods, accepting=engine.accepts(pods, {name: labels.get(name, {}) for name in pods}))
