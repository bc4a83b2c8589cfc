"""One id per request: taken from the caller if it is sane, answered on every response, and on every log line in between."""

import re
from collections.abc import Callable
from contextvars import ContextVar

import structlog
from django.http import HttpRequest, HttpResponse

from dbaas.core.ids import uuid7

HEADER = "X-Request-ID"
_SANE = re.compile(r"\A[A-Za-z0-9._-]{1,64}\Z")
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Return the id of the request that is being answered; empty outside of one (workers, commands)."""
    return _current.get()


class RequestIdMiddleware:
    """Give every request an id before anything else can fail."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Bind the id to the log context, answer, and name it in the response."""
        given = request.headers.get(HEADER, "")
        request_id = given if _SANE.match(given) else str(uuid7())
        token = _current.set(request_id)
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = self.get_response(request)
        finally:
            _current.reset(token)
            structlog.contextvars.unbind_contextvars("request_id")
        response[HEADER] = request_id
        return response
