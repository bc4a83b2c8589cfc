"""The gateways of this process, one per registered cluster."""

import threading
from typing import Protocol

from dbaas.core.db import in_transaction
from provisioning.cluster.client import Gateway, Reach


class ReachableCluster(Protocol):
    """What a registered cluster says of how to reach it; the model `Cluster` does."""

    kubeconfig_path: str
    context: str


_gateways: dict[Reach, Gateway] = {}
_lock = threading.Lock()


def gateway_to(cluster: ReachableCluster) -> Gateway:
    """Return this process's gateway to the cluster; a cluster whose registration changed gets a new one.

    The gateway refuses to be called while a database transaction is open.
    """
    reach = Reach(kubeconfig_path=cluster.kubeconfig_path, context=cluster.context)
    with _lock:
        if reach not in _gateways:
            _gateways[reach] = Gateway(reach, is_in_transaction=in_transaction)
        return _gateways[reach]
