"""Routes that fail in every way there is, beside the product's own."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dbaas.api.request_id import current_request_id
from dbaas.api.views import validated
from dbaas.core.errors import Permanent, Stale, Transient, Unprocessable
from dbaas.urls import handler400, handler403, handler404, handler500
from dbaas.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

SECRET = "postgres://admin:hunter2@db"
FAILURES: dict[str, Exception] = {
    "unforeseen": RuntimeError(SECRET),
    "transient": Transient("The cluster did not answer.", retry_after=timedelta(seconds=1.2)),
    "database-gone": OperationalError(SECRET),
    "permanent": Permanent("The cluster refused."),
    "stale": Stale(),
    "unprocessable": Unprocessable(extra={"limit": 3, "code": "cannot.override"}),
    "throttled": exceptions.Throttled(wait=7),
    "parse-error": exceptions.ParseError(),
    "failed-login": exceptions.AuthenticationFailed(),
    "denied": PermissionDenied(),
    "missing": Http404(),
    "suspicious": SuspiciousOperation(SECRET),
}


class MemberSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(["owner", "viewer"])


class TopologySerializer(serializers.Serializer[Any]):
    replicas = serializers.IntegerField(min_value=1)


class NestedSerializer(serializers.Serializer[Any]):
    topology = TopologySerializer()
    members = MemberSerializer(many=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=3))

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs["tags"]) > 1:
            raise serializers.ValidationError("One tag at most.", code="too_many")
        return attrs


class _Open(APIView):
    authentication_classes = []
    permission_classes = []


class Failing(_Open):
    def get(self, _request: Request, kind: str) -> Response:
        raise FAILURES[kind]


class Nested(_Open):
    def post(self, request: Request) -> Response:
        return Response(validated(NestedSerializer, request))


class Echo(_Open):
    def post(self, request: Request) -> Response:
        return Response({"body": request.data, "request_id": current_request_id()})


def failing_page(_request: HttpRequest, kind: str) -> HttpResponse:
    raise FAILURES[kind]


urlpatterns = [
    path("api/test/failing/<str:kind>", Failing.as_view()),
    path("api/test/plain/<str:kind>", failing_page),
    path("pages/<str:kind>", failing_page),
    path("api/test/nested", Nested.as_view()),
    path("api/test/echo", Echo.as_view()),
    *product,
]
