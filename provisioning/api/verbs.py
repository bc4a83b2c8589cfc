"""`POST databases/{id}/<verb>`: one route for every operation that customers ask for in this way, made from what its file declares."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from dbaas.api.errors import IdempotencyKeyInvalid
from dbaas.api.openapi import IDEMPOTENCY_KEY, raises
from dbaas.api.views import validated
from dbaas.core.errors import Forbidden
from provisioning.api import examples
from provisioning.api.accepting import accepted, idempotency_of
from provisioning.api.serializers import OperationSerializer
from provisioning.operations import all_workflows
from provisioning.selectors import DatabaseNotFound
from provisioning.services.refusals import KeyReused, OperationInProgress, StateForbids
from provisioning.services.requesting import request_operation
from provisioning.workflow.declare import Workflow
from provisioning.workflow.request import Field, FieldType
from provisioning.workflow.request import Request as Asked
from tenants.access import TenantSuspended
from tenants.quota import QuotaExceeded

_ALWAYS = (
    DatabaseNotFound,
    Forbidden,
    TenantSuspended,
    StateForbids,
    OperationInProgress,
    QuotaExceeded,
    KeyReused,
    IdempotencyKeyInvalid,
)


def verb_routes() -> list[URLPattern]:
    """Return the routes of all operations that are asked for by a verb."""
    return [
        path(f"databases/<uuid:database_id>/{workflow.request.verb}", _view(workflow, workflow.request).as_view())
        for workflow in all_workflows().values()
        if workflow.request is not None and workflow.request.verb
    ]


def _view(workflow: Workflow, asked: Asked) -> type[ActorView]:
    name = asked.verb.title().replace("-", "")
    body: type[serializers.Serializer[Any]] = type(
        f"{name}RequestSerializer", (serializers.Serializer,), {field.name: _field(field) for field in asked.fields}
    )
    example = OpenApiExample(asked.summary, value=dict(asked.example), request_only=True)

    class VerbView(ActorView):
        """POST databases/{id}/<verb>."""

        @extend_schema(
            operation_id=f"{workflow.kind}_database",
            summary=asked.summary,
            description=asked.description,
            tags=["databases"],
            parameters=[IDEMPOTENCY_KEY],
            request=body if asked.fields else None,
            responses={202: OperationSerializer},
            examples=[*([example] if asked.example else []), examples.OPERATION],
        )
        @needs(asked.permission)
        @raises(*_ALWAYS, *asked.refuses)
        def post(self, request: Request, database_id: UUID) -> Response:
            """Ask for the operation."""
            wish = validated(body, request)
            return accepted(request_operation(self.actor, database_id, workflow.kind, wish, idempotency_of(request)))

    VerbView.__name__ = VerbView.__qualname__ = f"{name}View"
    return VerbView


_FIELDS: dict[FieldType, Callable[..., serializers.Field[Any, Any, Any, Any]]] = {
    "text": partial(serializers.CharField, max_length=200),
    "number": partial(serializers.IntegerField, min_value=0, max_value=2**31),
    "yes_no": serializers.BooleanField,
    "object": serializers.DictField,
    "moment": serializers.DateTimeField,
    "id": serializers.UUIDField,
}


def _field(field: Field) -> serializers.Field[Any, Any, Any, Any]:
    how: dict[str, Any] = {"required": field.required, "help_text": field.description}
    if field.default is not None:
        how["default"] = field.default
    if field.allowed:
        return serializers.ChoiceField(choices=field.allowed, **how)
    return _FIELDS[field.type](**how)
