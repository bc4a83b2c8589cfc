"""The smallest OpenAPI that kubectl needs: which kinds take `fieldValidation` and, for custom ones, their schema."""

import hashlib
from typing import Any

from devcluster.apiserver.errors import Body, path_not_found
from devcluster.apiserver.registry import Registry
from devcluster.apiserver.resources import Resource


def paths(registry: Registry) -> Body:
    """Answer /openapi/v3: one document per group version."""
    found = {(resource.group, resource.version) for resource in registry}
    entries = {}
    for group, version in sorted(found):
        path = f"apis/{group}/{version}" if group else f"api/{version}"
        mark = hashlib.sha256(f"{path} {registry.generation}".encode()).hexdigest()[:16].upper()
        entries[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={mark}"}
    return {"paths": entries}


def document(registry: Registry, group: str, version: str) -> Body:
    """Answer /openapi/v3/apis/GROUP/VERSION.

    Raises: ApiError — 404.
    """
    members = registry.members(group, version)
    if not members:
        raise path_not_found()
    schemas: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for resource in members:
        schemas[_definition_name(resource)] = _definition(resource)
        operations[_path(resource)] = _operations(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.0"},
        "paths": operations,
        "components": {"schemas": schemas},
    }


def _definition_name(resource: Resource) -> str:
    group = ".".join(reversed(resource.group.split("."))) if resource.group else "io.k8s.api.core"
    return f"{group}.{resource.version}.{resource.kind}"


def _kind(resource: Resource) -> Body:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _definition(resource: Resource) -> Body:
    schema = resource.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {**schema, "x-kubernetes-group-version-kind": [_kind(resource)]}


def _path(resource: Resource) -> str:
    root = f"/apis/{resource.group}" if resource.group else "/api"
    scope = "/namespaces/{namespace}" if resource.is_namespaced else ""
    return f"{root}/{resource.version}{scope}/{resource.plural}/{{name}}"


def _operations(resource: Resource) -> Body:
    names = ("dryRun", "fieldManager", "fieldValidation", "force")
    parameters = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names]
    reference = {"$ref": f"#/components/schemas/{_definition_name(resource)}"}
    answer = {"description": "OK", "content": {"application/json": {"schema": reference}}}
    operation = {
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": _kind(resource),
        "parameters": parameters,
        "responses": {"200": answer},
    }
    return {"patch": operation}
