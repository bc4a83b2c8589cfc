from io import BytesIO
from typing import cast

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.test.client import ClientHandler

from tests.cast import Api, body_of, problem

pytestmark = pytest.mark.urls("tests.dbaas.api.urls")


def _of_bytes(count: int) -> bytes:
    return b'{"a":"' + b"x" * (count - 8) + b'"}'


def _send_chunked(body: bytes, *, is_terminated: bool) -> HttpResponse:
    """Call the application as a server does that received a chunked body: without a length."""
    environ = RequestFactory().generic("POST", "/api/test/echo").environ
    environ["CONTENT_TYPE"] = "application/json"
    environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    environ["wsgi.input"] = BytesIO(body)
    environ["wsgi.input_terminated"] = is_terminated
    return cast("HttpResponse", ClientHandler()(environ))


def test_the_largest_body_passes(api: Api) -> None:
    body = _of_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

    assert api.post("/api/test/echo", body).status_code == 200


def test_one_byte_more_is_refused(api: Api) -> None:
    body = _of_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    assert problem(api.post("/api/test/echo", body)) == (413, "request.too_large")


def test_a_body_without_a_length_is_read() -> None:
    response = _send_chunked(b'{"a":1}', is_terminated=True)

    assert body_of(response)["body"] == {"a": 1}


def test_a_body_without_a_length_is_read_no_further_than_the_limit() -> None:
    response = _send_chunked(_of_bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1), is_terminated=True)

    assert problem(response) == (413, "request.too_large")


def test_a_length_is_required_where_the_server_does_not_mark_the_end() -> None:
    response = _send_chunked(b'{"a":1}', is_terminated=False)

    assert problem(response) == (411, "request.length_required")


def test_an_empty_body_is_an_empty_object(api: Api) -> None:
    response = api.post("/api/test/echo", b"")

    assert body_of(response)["body"] == {}
