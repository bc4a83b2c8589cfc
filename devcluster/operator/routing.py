"""Leads services to servers: picks the pods that a service selects, says so on it, and opens its node port.

The listening itself is in `proxy.py`.
"""

from devcluster.operator.database import Database, selector_text
from devcluster.operator.exporter.objects import is_stats
from devcluster.operator.kube import Body
from devcluster.operator.objects import ADDRESS_ANNOTATION
from devcluster.operator.pods import PodStates
from devcluster.operator.proxy import ServiceKey
from devcluster.operator.resources import SERVICES
from devcluster.operator.site import Site

REACHABLE_FROM_OUTSIDE = {"NodePort", "LoadBalancer"}


async def route(site: Site, db: Database, states: PodStates) -> bool:
    """Bring the addresses and the open ports of all services up to date; tell whether every port could be opened."""
    made = await site.kube.list_all(SERVICES, db.namespace, selector_text(db.selector))
    services = [service for service in made if not is_stats(service)]
    return all([await _route_one(site, db, service, chosen_address(service, states)) for service in services])


async def _route_one(site: Site, db: Database, service: Body, address: str) -> bool:
    name = str(service["metadata"]["name"])
    annotated = (service["metadata"].get("annotations") or {}).get(ADDRESS_ANNOTATION, "")
    if annotated != address:
        patch = {"metadata": {"annotations": {ADDRESS_ANNOTATION: address or None}}}
        await site.kube.patch(SERVICES, db.namespace, name, patch)
    key = ServiceKey(db.namespace, name)
    node_port = int(service["spec"]["ports"][0].get("nodePort") or 0)
    if not address or not node_port or service["spec"].get("type") not in REACHABLE_FROM_OUTSIDE:
        site.proxy.close(key)
        return True
    try:
        await site.proxy.forward(key, node_port=node_port, target_port=int(address.rpartition(":")[2]))
    except OSError as error:
        message = f"Node port {node_port} of service {name} cannot be opened: {error}"
        await site.events.warning(db.body, "Failed", message)
        return False
    return True


def chosen_address(service: Body, states: PodStates) -> str:
    """Give the address of the first ready pod that a service selects; empty when there is none."""
    selector = (service["spec"].get("selector") or {}).items()
    labels = states.labels()
    for name in sorted(labels):
        if selector <= labels[name].items() and states.ready(name) and states.address(name):
            return states.address(name)
    return ""
