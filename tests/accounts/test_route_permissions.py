"""Tests that every route says which permission it needs, and that one which does not is closed."""

from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.actor import Credential, Via
from accounts.api.permissions import IsPermitted, needs
from accounts.api.routes import api_routes
from accounts.models import User
from accounts.permissions import Permission
from dbaas.api.errors import ScopeMissing


class _View(APIView):
    def get(self, _request: Request) -> Response:
        return Response({})

    @needs(Permission.DATABASES_WRITE)
    def post(self, _request: Request) -> Response:
        return Response({})


def _asking(method: str, *, scopes: frozenset[str] | None = None, user: User | None = None) -> Any:
    request = Request(RequestFactory().generic(method, "/"))
    request.user = user or User(email="alice@example.com")
    request.auth = Credential(via=Via.API_KEY, scopes=scopes)
    return request


def test_that_every_route_names_its_permission() -> None:
    assert [f"{route.method} {route.path}" for route in api_routes() if route.permission is None] == []


def test_that_public_routes_look_at_no_credentials_and_others_do() -> None:
    for route in api_routes():
        assert (route.permission == Permission.PUBLIC) == (route.view.authentication_classes == []), route.path


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_that_a_method_that_names_no_permission_is_closed(method: str) -> None:
    assert not IsPermitted().has_permission(_asking(method), _View())


def test_that_a_method_that_there_is_not_is_let_through_to_its_405() -> None:
    assert IsPermitted().has_permission(_asking("PUT"), _View())


def test_that_a_session_is_let_through_and_so_is_a_key_with_the_scope() -> None:
    for scopes in (None, frozenset({"databases:write"})):
        assert IsPermitted().has_permission(_asking("POST", scopes=scopes), _View())


def test_that_a_key_without_the_scope_is_told_which_one_it_takes() -> None:
    with pytest.raises(ScopeMissing) as caught:
        IsPermitted().has_permission(_asking("POST", scopes=frozenset({"databases:read"})), _View())

    assert caught.value.extra == {"scope_needed": "databases:write"}
