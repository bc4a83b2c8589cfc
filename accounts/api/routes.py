"""Every route of the API with the permission that each method needs, read from the URL patterns: for the page and for the tests."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from accounts.api.permissions import needed_by
from accounts.permissions import Permission

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_API = "api/v1/"


@dataclass(frozen=True, kw_only=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    """As in the URL patterns: `tenants/<uuid:tenant_id>`, without `/api/v1/`."""
    view: type[APIView]
    permission: Permission | None
    """None is a mistake: such a route is closed to everybody."""


def api_routes() -> list[Route]:
    """Return every route under /api/v1, in the order of the URL patterns."""
    return list(_routes(get_resolver().url_patterns, ""))


def _routes(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[Route]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path)
        elif path.startswith(_API):
            yield from _methods(path.removeprefix(_API), pattern)


def _methods(path: str, pattern: URLPattern) -> Iterator[Route]:
    view: type[APIView] = pattern.callback.view_class  # type: ignore[attr-defined] # every view of ours is a class
    for method in METHODS:
        if hasattr(view, method.lower()):
            yield Route(method=method, path=path, view=view, permission=needed_by(view, method))
