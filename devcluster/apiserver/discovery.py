"""What the server serves, in the legacy and in the aggregated form of discovery."""

from typing import Any

from devcluster.apiserver.errors import Body, path_not_found
from devcluster.apiserver.registry import Registry
from devcluster.apiserver.resources import Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
VERSION: Body = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0+pocket",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
"""Which Kubernetes we follow; clients compare `minor` with their own."""
_STATUS_VERBS = ("get", "patch", "update")
_EXTRA: dict[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "pods": (("log", "Pod", ("get",)),),
    "services": (("proxy", "ServiceProxyOptions", ("get",)),),
    "serviceaccounts": (("token", "TokenRequest", ("create",)),),
    "namespaces": (("finalize", "Namespace", ("update",)),),
}
"""Subresources besides status: name, kind, verbs."""


def is_aggregated(accept: str) -> bool:
    """Tell whether a client prefers the aggregated form."""
    return any("as=APIGroupDiscoveryList" in choice and "v=v2" in choice.split(";") for choice in accept.split(","))


def core_versions(address: str) -> Body:
    """Answer /api."""
    by_client = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": by_client}


def group_list(registry: Registry) -> Body:
    """Answer /apis."""
    groups = [_group(registry, name) for name in registry.groups()]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def group(registry: Registry, name: str) -> Body:
    """Answer /apis/GROUP.

    Raises: ApiError — 404.
    """
    if name not in registry.groups():
        raise path_not_found()
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(registry, name)}


def _group(registry: Registry, name: str) -> Body:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in registry.versions(name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def resource_list(registry: Registry, group_name: str, version: str) -> Body:
    """Answer /api/v1 and /apis/GROUP/VERSION.

    Raises: ApiError — 404.
    """
    members = registry.members(group_name, version)
    if not members:
        raise path_not_found()
    resources: list[Body] = []
    for resource in members:
        resources.append(_named(resource))
        for name, kind, verbs in _subresources(resource):
            path = f"{resource.plural}/{name}"
            entry = {"name": path, "singularName": "", "namespaced": resource.is_namespaced, "kind": kind}
            resources.append({**entry, "verbs": list(verbs)})
    version_text = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version_text, "resources": resources}


def _named(resource: Resource) -> Body:
    entry: Body = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.is_namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    return {**entry, **_optional(resource)}


def _optional(resource: Resource) -> Body:
    lists = {"shortNames": resource.short_names, "categories": resource.categories}
    return {name: list(values) for name, values in lists.items() if values}


def _subresources(resource: Resource) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    status = (("status", resource.kind, _STATUS_VERBS),) if resource.has_status else ()
    return (*status, *_EXTRA.get(resource.key, ()))


def aggregated(registry: Registry, names: list[str]) -> Body:
    """Answer /api or /apis in the aggregated form, for the groups named."""
    items = []
    for name in names:
        versions = [_aggregated_version(registry, name, version) for version in registry.versions(name)]
        items.append({"metadata": {"name": name, "creationTimestamp": None}, "versions": versions})
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(registry: Registry, group_name: str, version: str) -> Body:
    resources: list[Any] = []
    for resource in registry.members(group_name, version):
        kind = {"group": group_name, "version": version, "kind": resource.kind}
        subresources = [
            {"subresource": name, "responseKind": {**kind, "kind": sub_kind}, "verbs": list(verbs)}
            for name, sub_kind, verbs in _subresources(resource)
        ]
        entry: Body = {
            "resource": resource.plural,
            "responseKind": kind,
            "scope": "Namespaced" if resource.is_namespaced else "Cluster",
            "singularResource": resource.singular,
            "verbs": list(resource.verbs),
            **_optional(resource),
        }
        resources.append({**entry, "subresources": subresources} if subresources else entry)
    return {"version": version, "freshness": "Current", "resources": resources}
