"""Count and time requests by route, method and status: by the route's template, never by the path, so that no caller can make series at will."""

import re
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

from dbaas.core.clock import SYSTEM_CLOCK

REQUESTS = Counter("dbaas_http_requests", "Requests that were answered.", ["route", "method", "status"])
DURATION = Histogram(
    "dbaas_http_request_duration_seconds",
    "How long answers took.",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
NO_ROUTE = "none"
"""Of requests that were answered before a route was looked for (static files, too many requests), or that no route fits."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PARAMETER = re.compile(r"<(?:[^:>]+:)?([^>]+)>")

_Answer = Callable[[HttpRequest], HttpResponseBase]


class RequestMetricsMiddleware:
    """Stands around all others."""

    def __init__(self, get_response: _Answer) -> None:
        """Remember what answers."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, and count that."""
        began = SYSTEM_CLOCK.monotonic()
        response = self._get_response(request)
        found = request.resolver_match
        route = template_of(found.route) if found and found.route else NO_ROUTE
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(route, method, str(response.status_code)).inc()
        DURATION.labels(route, method).observe(SYSTEM_CLOCK.monotonic() - began)
        return response


@cache
def template_of(route: str) -> str:
    """Return a route as documents write it: `/api/v1/databases/{database_id}`."""
    return "/" + _PARAMETER.sub(r"{\1}", route).lstrip("^").rstrip("$")
