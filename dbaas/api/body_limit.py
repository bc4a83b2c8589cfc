"""Refuse bodies that are too large before anything reads them into memory.

Django's own limit (DATA_UPLOAD_MAX_MEMORY_SIZE) does not hold for Django REST framework, which reads the stream past it.
"""

from collections.abc import Callable
from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse

from dbaas.api.errors import LengthRequired, TooLarge
from dbaas.api.problems import is_api, problem_response


class BodyLimitMiddleware:
    """Let requests to the API through only with a body of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes."""

    def __init__(self, get_response: Callable[[WSGIRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: WSGIRequest) -> HttpResponse:
        """Answer 413 instead of the view, as problem document."""
        if not is_api(request):
            return self.get_response(request)
        refusal = _refusal_of_chunks(request) if _is_chunked(request) else _refusal_of_length(request)
        return self.get_response(request) if refusal is None else problem_response(refusal)


def _is_chunked(request: WSGIRequest) -> bool:
    return not request.META.get("CONTENT_LENGTH") and "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def _refusal_of_length(request: WSGIRequest) -> TooLarge | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    is_over = length.isdigit() and int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return TooLarge() if is_over else None


def _refusal_of_chunks(request: WSGIRequest) -> TooLarge | LengthRequired | None:
    """Read a body of unknown length as far as it may go, and hand it on with its length, without which Django takes it for empty."""
    if not request.environ.get("wsgi.input_terminated"):
        return LengthRequired()  # the server does not mark the end of such a body, so reading on would wait for ever
    body = request.environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return TooLarge()
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)
    return None
