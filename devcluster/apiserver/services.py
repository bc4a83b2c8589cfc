"""Services: defaults, addresses and node ports. A node port is one that a server can really bind on this machine."""

import ipaddress
import random
import socket
from collections.abc import Container, Iterator

import orjson

from devcluster.apiserver.errors import (
    ApiError,
    Body,
    Cause,
    bad_request,
    invalid,
    invalid_field,
    required_field,
    unsupported_field,
)
from devcluster.apiserver.store import Event, Key, Store

NODE_PORTS = range(30_000, 32_768)
SERVICE_NETWORK = ipaddress.ip_network("10.96.0.0/16")


class Services:
    """Prepares Services and remembers what each of them holds."""

    def __init__(self, store: Store) -> None:
        self._held = {key: _held(body) for key, body in store.list_objects("services")}
        store.on_change(self._follow)

    def _follow(self, event: Event) -> None:
        if event.key.resource != "services":
            return
        if event.type == "DELETED":
            self._held.pop(event.key, None)
        else:
            self._held[event.key] = _held(event.body)

    def prepare(self, old: Body | None, new: Body) -> None:
        """Complete and check a Service in place.

        Raises: ApiError — 422, for one that cannot be.
        """
        spec = new.setdefault("spec", {})
        before = (old or {}).get("spec") or {}
        _default_service(spec)
        if spec["type"] not in {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}:
            supported = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
            raise _invalid(new, unsupported_field("spec.type", spec["type"], supported))
        if not spec["ports"] and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
            raise _invalid(new, required_field("spec.ports"))
        if spec["type"] != "ExternalName":
            self._allocate_address(new, before)
        if spec["type"] in {"NodePort", "LoadBalancer"}:
            self._allocate_ports(new, before)
        else:
            for port in spec["ports"]:
                port.pop("nodePort", None)
        new.setdefault("status", {"loadBalancer": {}})

    def _allocate_address(self, service: Body, before: Body) -> None:
        spec, held = service["spec"], before.get("clusterIP")
        if held and spec.get("clusterIP", held) != held:
            wrong = invalid_field("spec.clusterIP", spec["clusterIP"], "field is immutable")
            raise _invalid(service, wrong)
        taken = {address for address, _ in self._others(service)}
        free = (str(address) for address in SERVICE_NETWORK.hosts() if str(address) not in taken)
        address = spec.get("clusterIP") or held or next(free)
        spec.update(clusterIP=address, clusterIPs=[address])

    def _others(self, service: Body) -> Iterator[tuple[str, frozenset[int]]]:
        me = Key("services", service["metadata"]["namespace"], service["metadata"]["name"])
        return (held for key, held in self._held.items() if key != me)

    def _allocate_ports(self, service: Body, before: Body) -> None:
        taken = {port for _, ports in self._others(service) for port in ports}
        held = {(port.get("name"), port["port"]): port.get("nodePort") for port in before.get("ports") or ()}
        for index, port in enumerate(service["spec"]["ports"]):
            field = f"spec.ports[{index}].nodePort"
            wanted = port.get("nodePort") or held.get((port.get("name"), port["port"]))
            if wanted and wanted not in NODE_PORTS:
                why = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                raise _invalid(service, invalid_field(field, wanted, why))
            if wanted in taken and wanted:
                raise _invalid(service, invalid_field(field, wanted, "provided port is already allocated"))
            port["nodePort"] = wanted or _free_port(taken)
            taken.add(port["nodePort"])


def _held(stored: bytes) -> tuple[str, frozenset[int]]:
    """Give a Service's address and its node ports."""
    spec = orjson.loads(stored)["spec"]
    ports = frozenset(port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort"))
    return spec.get("clusterIP", ""), ports


def _invalid(service: Body, cause: Cause) -> ApiError:
    return invalid("Service", "", service["metadata"]["name"], [cause])


def _free_port(taken: Container[int]) -> int:
    """Choose a port that no Service holds and that a server can really bind on this machine."""
    for port in random.sample(NODE_PORTS, len(NODE_PORTS)):
        if port not in taken and _can_bind(port):
            return port
    raise bad_request("no node port is free")


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _default_service(spec: Body) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("ports", [])
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    for port in spec["ports"]:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
