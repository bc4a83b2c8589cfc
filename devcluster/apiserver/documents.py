"""Which document a path outside the objects names: discovery and OpenAPI. The documents themselves are made elsewhere."""

from dataclasses import dataclass

from devcluster.apiserver import discovery, openapi
from devcluster.apiserver.errors import Body, method_not_allowed, path_not_found
from devcluster.apiserver.registry import Registry

JSON = "application/json"
OPENAPI_V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"


@dataclass(frozen=True)
class Document:
    """A body with its type."""

    content: Body | bytes
    media_type: str = JSON


def answer(registry: Registry, method: str, parts: list[str], *, accept: str, host: str) -> Document:
    """Give the document of a path.

    Raises: ApiError — 404 for a path that names none, 405 for a write.
    """
    if method not in {"GET", "HEAD"}:
        raise method_not_allowed()
    if parts[:1] == ["openapi"]:
        return _openapi(registry, parts[1:], accept)
    if parts[:1] == ["api"]:
        return _core(registry, parts[1:], accept, host)
    if parts[:1] == ["apis"]:
        return _named(registry, parts[1:], accept)
    if not parts:
        return Document({"paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]})
    raise path_not_found()


def _core(registry: Registry, parts: list[str], accept: str, host: str) -> Document:
    if parts:
        return Document(discovery.resource_list(registry, "", parts[0]))
    if discovery.is_aggregated(accept):
        return Document(discovery.aggregated(registry, [""]), discovery.AGGREGATED)
    return Document(discovery.core_versions(host))


def _named(registry: Registry, parts: list[str], accept: str) -> Document:
    match parts:
        case [group, version]:
            return Document(discovery.resource_list(registry, group, version))
        case [group]:
            return Document(discovery.group(registry, group))
    if discovery.is_aggregated(accept):
        return Document(discovery.aggregated(registry, registry.groups()), discovery.AGGREGATED)
    return Document(discovery.group_list(registry))


def _openapi(registry: Registry, parts: list[str], accept: str) -> Document:
    match parts:
        case ["v2"] if "proto" in accept:
            # An empty protobuf message is a valid, empty document: kubectl then uses its own built-in types.
            return Document(b"", OPENAPI_V2_PROTOBUF)
        case ["v2"]:
            info = {"title": "Kubernetes", "version": discovery.VERSION["gitVersion"]}
            return Document({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}})
        case ["v3"]:
            return Document(openapi.paths(registry))
        case ["v3", "api", version]:
            return Document(openapi.document(registry, "", version))
        case ["v3", "apis", group, version]:
            return Document(openapi.document(registry, group, version))
    raise path_not_found()
