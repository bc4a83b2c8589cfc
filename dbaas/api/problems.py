"""Turn every refusal and failure into an RFC 9457 problem document: the one table from errors to HTTP.

Applications raise `dbaas.core.errors` and know no status; Django's and Django REST framework's own exceptions are first translated into ours, so
that a client meets one shape and one list of codes (docs/errors.md).
"""

import math
import re
from datetime import timedelta
from typing import Any

import structlog
from django.core import exceptions as django_exceptions
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf

from dbaas.api import errors as api_errors
from dbaas.api.field_errors import field_errors_from
from dbaas.api.json import dumps
from dbaas.api.request_id import current_request_id
from dbaas.core import errors

CONTENT_TYPE = "application/problem+json"
_log = structlog.get_logger(__name__)

STATUSES: dict[type[errors.ProductError], int] = {
    errors.InvalidRequest: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    api_errors.MethodNotAllowed: 405,
    api_errors.NotAcceptable: 406,
    errors.Conflict: 409,
    api_errors.LengthRequired: 411,
    errors.Stale: 412,
    api_errors.TooLarge: 413,
    api_errors.UnsupportedMediaType: 415,
    errors.Unprocessable: 422,
    api_errors.TooManyRequests: 429,
    errors.Rejected: 400,
    errors.Permanent: 502,
    errors.Transient: 503,
    errors.ProductError: 500,
}
"""The most derived class that is named here decides."""

_TRANSLATIONS: tuple[tuple[type[Exception], type[errors.Rejected]], ...] = (
    (drf.NotAuthenticated, errors.Unauthenticated),
    (drf.AuthenticationFailed, api_errors.CredentialsInvalid),
    (drf.PermissionDenied, errors.Forbidden),
    (drf.NotFound, errors.NotFound),
    (drf.MethodNotAllowed, api_errors.MethodNotAllowed),
    (drf.NotAcceptable, api_errors.NotAcceptable),
    (drf.UnsupportedMediaType, api_errors.UnsupportedMediaType),
    (drf.Throttled, api_errors.TooManyRequests),
    (drf.ParseError, api_errors.MalformedRequest),
    (Http404, errors.NotFound),
    (django_exceptions.PermissionDenied, errors.Forbidden),
    (django_exceptions.RequestDataTooBig, api_errors.TooLarge),
    (django_exceptions.SuspiciousOperation, api_errors.MalformedRequest),
)


def status_of(kind: type[errors.ProductError]) -> int:
    """Return the HTTP status that stands for this class of error."""
    return next(STATUSES[base] for base in kind.__mro__ if base in STATUSES)


def title_of(kind: type[errors.ProductError]) -> str:
    """Return the class's name as words: `QuotaExceeded` becomes `Quota exceeded`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", kind.__name__).capitalize()
    return re.sub(r"\b(?:api|Api|json)\b", lambda match: match.group().upper(), words)


def exception_to_response(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Answer for Django REST framework; None for what nobody foresaw, which Django then logs with its traceback and `server_error` answers."""
    foreseen = _foreseen(error)
    return None if foreseen is None else problem_response(foreseen)


def problem_response(error: errors.ProductError) -> HttpResponse:
    """Return the problem document for a foreseen error, with the headers that belong to it."""
    status = status_of(type(error))
    if status >= 500:  # noqa: PLR2004 -- where HTTP's server errors begin
        _log.warning("request failed", code=error.code, detail=error.detail)
    document = {
        **getattr(error, "extra", {}),
        "type": f"/docs/errors#{error.code}",
        "title": title_of(type(error)),
        "status": status,
        "detail": error.detail,
        "code": error.code,
        "request_id": current_request_id(),
        "errors": [
            {"field": item.field, "message": item.message, "code": item.code} for item in getattr(error, "errors", ())
        ],
    }
    response = HttpResponse(dumps(document), status=status, content_type=CONTENT_TYPE)
    if isinstance(error, errors.Unauthenticated):
        response["WWW-Authenticate"] = 'Bearer realm="dbaas"'
    retry_after: timedelta | None = getattr(error, "retry_after", None)
    if retry_after is not None:
        response["Retry-After"] = str(max(1, math.ceil(retry_after.total_seconds())))
    return response


def is_api(request: HttpRequest) -> bool:
    """Tell whether this request wants problem documents; the admin and the pages get plain ones."""
    return request.path_info.startswith("/api/")


def _foreseen(error: Exception) -> errors.ProductError | None:
    if isinstance(error, errors.ProductError):
        return error
    if isinstance(error, drf.ValidationError):
        return errors.InvalidRequest(errors=field_errors_from(error.detail))
    if isinstance(error, OperationalError | InterfaceError):
        _log.error("the metadata database does not answer", error=type(error).__name__)
        return api_errors.StorageUnavailable()
    for kind, ours in _TRANSLATIONS:
        if isinstance(error, kind):
            wait = getattr(error, "wait", None)
            return ours(retry_after=None if wait is None else timedelta(seconds=wait))
    return None
