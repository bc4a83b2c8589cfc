"""Where a database answers: read from the Service that KubeDB made for it.

Source: kubedb/apimachinery apis/kubedb/v1/*_helpers.go: the primary Service has the database's name.
"""

from dataclasses import dataclass

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import SERVICE, Ref
from provisioning.engine import Body, Engine
from provisioning.models import Database


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A host and a port to connect to."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class NoAddressYet:
    """The cluster has not given an address; `reason` is fit to be shown."""

    reason: str


def find_endpoint(gateway: Gateway, database: Database, engine: Engine) -> Endpoint | NoAddressYet:
    """Return the address of the database's primary, inside or outside the cluster as its access mode says."""
    if database.access_mode != "external":
        return Endpoint(host=f"{database.object_name}.{database.namespace}.svc", port=engine.port)
    service = gateway.get(Ref(kind=SERVICE, name=database.object_name, namespace=database.namespace))
    if service is None:
        return NoAddressYet(reason=f"The service {database.object_name} is not there yet.")
    return _external(service, engine, database.cluster.node_address)


def _external(service: Body, engine: Engine, node_address: str) -> Endpoint | NoAddressYet:
    ports = service["spec"].get("ports") or [{}]
    port = next((port for port in ports if port.get("port") == engine.port), ports[0])
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    hosts = [host for place in ingress if (host := place.get("ip") or place.get("hostname"))]
    if hosts:
        return Endpoint(host=hosts[0], port=int(port["port"]))
    if service["spec"].get("type") == "NodePort" and port.get("nodePort") and node_address:
        return Endpoint(host=node_address, port=int(port["nodePort"]))
    return NoAddressYet(reason="The cluster has not given the service an outside address yet.")
