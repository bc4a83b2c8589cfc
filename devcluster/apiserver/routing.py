"""From method and path to a `Request`: the URL grammar of the Kubernetes API and nothing else."""

from collections.abc import Mapping

from devcluster.apiserver.errors import method_not_allowed, path_not_found
from devcluster.apiserver.rbac import User
from devcluster.apiserver.registry import Registry
from devcluster.apiserver.request import Request

_SUBRESOURCES = {"pods": {"log"}, "services": {"proxy"}, "namespaces": {"finalize"}, "serviceaccounts": {"token"}}
TOKEN = "token"  # noqa: S105 — the name of a subresource
PROXY = ("services", "proxy")
_READ_ONLY = frozenset({"log", "proxy"})
_READING = frozenset({"get"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def split(path: str) -> list[str]:
    """Cut a path into its parts."""
    return [part for part in path.split("/") if part]


def is_resource_path(parts: list[str]) -> bool:
    """Tell whether a path names objects rather than a discovery document."""
    return (parts[:1] == ["api"] and len(parts) > 2) or (parts[:1] == ["apis"] and len(parts) > 3)  # noqa: PLR2004 — see `parse`


def parse(
    registry: Registry, method: str, parts: list[str], *, user: User, query: Mapping[str, str], user_agent: str
) -> Request:
    """Read `api/v1/...` or `apis/GROUP/VERSION/...` followed by `[namespaces/NS/]PLURAL[/NAME[/SUBRESOURCE]]`.

    Raises: ApiError — 404 for a path that means nothing, 405 for a verb that the resource does not have.
    """
    if parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    else:
        group, version, rest = parts[1], parts[2], parts[3:]
    namespace = ""
    is_scoped = rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}  # noqa: PLR2004 — namespaces/NS/PLURAL
    if is_scoped:
        namespace, rest = rest[1], rest[2:]
    resource = registry.find(group, version, rest[0])
    name, subresource, *excess = [*rest[1:], "", ""][: max(len(rest) - 1, 2)]
    behind, excess = (excess, []) if (resource.key, subresource) == PROXY else ([], excess)
    if excess or (namespace and not resource.is_namespaced):
        raise path_not_found()
    if subresource and subresource not in _SUBRESOURCES.get(resource.key, ()):
        _require_status(subresource, has_status=resource.has_status)
    verb = _verb(method, name, query)
    if verb not in _READING and subresource in _READ_ONLY:
        raise method_not_allowed()
    if verb not in resource.verbs or (verb == "create" and name and subresource != TOKEN):
        raise method_not_allowed()
    if resource.is_namespaced and not namespace and (name or verb in {"create", "deletecollection"}):
        raise method_not_allowed()
    return Request(
        user=user,
        verb=verb,
        resource=resource,
        namespace=namespace,
        name=name,
        subresource=subresource,
        rest="/".join(behind),
        query=query,
        user_agent=user_agent,
    )


def _require_status(subresource: str, *, has_status: bool) -> None:
    if subresource != "status" or not has_status:
        raise path_not_found()


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method in {"GET", "HEAD"}:
        if query.get("watch", "").lower() in {"1", "true"}:
            return "watch"
        return "get" if name else "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    verb = _VERBS.get(method)
    if verb is None:
        raise method_not_allowed()
    return verb
