"""What Django itself answers with when no view did: problem documents under /api, plain pages elsewhere (named in dbaas.urls)."""

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults

from dbaas.api.errors import MalformedRequest, RouteNotFound, TooLarge
from dbaas.api.problems import is_api, problem_response
from dbaas.core.errors import Forbidden, ProductError


class InternalError(ProductError):
    """Something failed on our side and has been logged: try again, and quote the request_id if it stays."""

    code = "internal.error"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django refused to look at."""
    if not is_api(request):
        return defaults.bad_request(request, exception)
    return problem_response(TooLarge() if isinstance(exception, RequestDataTooBig) else MalformedRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a refusal that came from outside a view."""
    return problem_response(Forbidden()) if is_api(request) else defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer for an address that no route matches."""
    return problem_response(RouteNotFound()) if is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for what nobody foresaw; Django has logged it with its traceback."""
    return problem_response(InternalError()) if is_api(request) else defaults.server_error(request)
