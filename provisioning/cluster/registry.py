"""The gateways of this process, one per registered cluster."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from django.conf import settings

from dbaas.core.db import in_transaction
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.limits import Limits


class ReachableCluster(Protocol):
    """What a registered cluster says of how to reach it; the model `Cluster` does."""

    name: str
    kubeconfig_path: str
    context: str


MakeGateway = Callable[[Reach], Gateway]


def _real_gateway(reach: Reach) -> Gateway:
    limits = Limits(per_second=settings.CLUSTER_CALLS_PER_SECOND, cluster=reach.cluster)
    return Gateway(reach, limits=limits, is_in_transaction=in_transaction)


class _Registry:
    """What this process has made so far, and how."""

    def __init__(self) -> None:
        self.gateways: dict[Reach, Gateway] = {}
        self.make: MakeGateway = _real_gateway


_registry = _Registry()
_lock = threading.Lock()


def gateway_to(cluster: ReachableCluster) -> Gateway:
    """Return this process's gateway to the cluster; a cluster whose registration changed gets a new one.

    The gateway refuses to be called while a database transaction is open.
    """
    reach = Reach(kubeconfig_path=cluster.kubeconfig_path, context=cluster.context, cluster=cluster.name)
    with _lock:
        if reach not in _registry.gateways:
            _registry.gateways[reach] = _registry.make(reach)
        return _registry.gateways[reach]


@contextmanager
def clusters_reached_by(make: MakeGateway) -> Iterator[None]:
    """Reach every cluster by gateways that `make` returns inside this block: a simulation brings a cluster of its own."""
    before = _registry.gateways, _registry.make
    _registry.gateways, _registry.make = {}, make
    try:
        yield
    finally:
        _registry.gateways, _registry.make = before
