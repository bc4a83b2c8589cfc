"""Routes under /api/v1/databases: order, list, read, change and delete databases, and read how to connect."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from dbaas.api.errors import CursorInvalid, IdempotencyKeyInvalid
from dbaas.api.etag import is_unchanged, not_modified, require_match
from dbaas.api.idempotency import fingerprint, idempotency_key
from dbaas.api.openapi import IDEMPOTENCY_KEY, IF_MATCH, PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated, validated_query
from dbaas.core.errors import Forbidden, Stale
from provisioning import selectors
from provisioning.api import examples
from provisioning.api.serializers import (
    CredentialsSerializer,
    DatabaseChangeSerializer,
    DatabaseCreateSerializer,
    DatabaseFilterSerializer,
    DatabaseSerializer,
    OperationSerializer,
)
from provisioning.api.shapes import database_etag, show_credentials, show_database, show_operation
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.orders import InvalidOrder, Wish
from provisioning.selectors import DatabaseNotFound
from provisioning.services import credentials, ordering
from provisioning.services.acceptance import Accepted, Idempotency
from provisioning.services.refusals import DeletionProtected, KeyReused, NameTaken, OperationInProgress, StateForbids
from tenants.access import TenantNotFound, TenantSuspended
from tenants.quota import QuotaExceeded

_TAGS = ["databases"]
_RETRY_AFTER_SECONDS = "2"


def accepted(answer: Accepted) -> Response:
    """Return 202 with the operation and where to follow it."""
    headers = {"Location": f"/api/v1/operations/{answer.operation.id}", "Retry-After": _RETRY_AFTER_SECONDS}
    if answer.is_replay:
        headers["Idempotency-Replayed"] = "true"
    return Response(show_operation(answer.operation), status=status.HTTP_202_ACCEPTED, headers=headers)


def idempotency_of(request: Request) -> Idempotency:
    """Return the request's idempotency key, if it has one, with a digest of what it asks for."""
    return Idempotency(
        key=idempotency_key(request), fingerprint=fingerprint(request.method or "", request.path, request.data)
    )


class DatabasesView(ActorView):
    """GET and POST databases."""

    @extend_schema(
        operation_id="list_databases",
        summary="List databases",
        tags=_TAGS,
        parameters=[DatabaseFilterSerializer, *PAGE_PARAMETERS],
        responses={200: page_of(DatabaseSerializer)},
        examples=[examples.DATABASES],
    )
    @raises(CursorInvalid)
    def get(self, request: Request) -> Response:
        """List the databases of all your tenants, newest first; deleted ones are left out."""
        wanted = validated_query(DatabaseFilterSerializer, request)
        filters = {{"tenant": "tenant_id"}.get(name, name): value for name, value in wanted.items()}
        found = page(selectors.databases_of(self.actor, **filters), request)
        return Response({**found, "items": [show_database(database) for database in found["items"]]})

    @extend_schema(
        operation_id="order_database",
        summary="Order a database",
        tags=_TAGS,
        parameters=[IDEMPOTENCY_KEY],
        request=DatabaseCreateSerializer,
        responses={202: OperationSerializer},
        examples=[examples.SMALLEST_ORDER, examples.FULL_ORDER, examples.OPERATION],
    )
    @raises(
        InvalidOrder,
        Forbidden,
        TenantNotFound,
        TenantSuspended,
        NameTaken,
        QuotaExceeded,
        KeyReused,
        IdempotencyKeyInvalid,
    )
    def post(self, request: Request) -> Response:
        """Order a database. Tenant, name and engine are enough; the rest has defaults. Follow `Location` until it is ready."""
        body = validated(DatabaseCreateSerializer, request)
        tenant_id: UUID = body.pop("tenant")
        wish = _wish_from(body)
        return accepted(ordering.order_database(self.actor, tenant_id, wish, idempotency_of(request)))


class DatabaseView(ActorView):
    """GET, PATCH and DELETE databases/{id}."""

    @extend_schema(
        operation_id="read_database",
        summary="Read a database",
        tags=_TAGS,
        responses={200: DatabaseSerializer},
        examples=[examples.DATABASE],
    )
    @raises(DatabaseNotFound)
    def get(self, request: Request, database_id: UUID) -> Response | HttpResponse:
        """Return a database; 304 if `If-None-Match` names its present ETag."""
        database = selectors.database_of(self.actor, database_id)
        etag = database_etag(database)
        return (
            not_modified(etag)
            if is_unchanged(request, etag)
            else Response(show_database(database), headers={"ETag": etag})
        )

    @extend_schema(
        operation_id="change_database",
        summary="Change labels or protection",
        tags=_TAGS,
        parameters=[IF_MATCH],
        request=DatabaseChangeSerializer,
        responses={200: DatabaseSerializer},
        examples=[examples.CHANGE, examples.DATABASE],
    )
    @raises(DatabaseNotFound, Forbidden, TenantSuspended, InvalidOrder, StateForbids, Stale)
    def patch(self, request: Request, database_id: UUID) -> Response:
        """Change what needs no work in the cluster: it holds at once."""
        database = selectors.database_of(self.actor, database_id)
        must_match = require_match(request, database_etag(database))
        change = validated(DatabaseChangeSerializer, request, partial=True)
        version = database.row_version if must_match else None
        changed = ordering.change_database(self.actor, database_id, change, expected_version=version)
        return Response(show_database(changed), headers={"ETag": database_etag(changed)})

    @extend_schema(
        operation_id="delete_database",
        summary="Delete a database",
        tags=_TAGS,
        parameters=[IF_MATCH, IDEMPOTENCY_KEY],
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @raises(
        DatabaseNotFound,
        Forbidden,
        TenantSuspended,
        DeletionProtected,
        StateForbids,
        OperationInProgress,
        KeyReused,
        Stale,
        IdempotencyKeyInvalid,
    )
    def delete(self, request: Request, database_id: UUID) -> Response:
        """Delete a database with everything it stores. A running operation is asked to cancel first. Asking twice is the same as once."""
        require_match(request, database_etag(selectors.database_of(self.actor, database_id)))
        return accepted(ordering.delete_database(self.actor, database_id, idempotency_of(request)))


class CredentialsView(ActorView):
    """GET databases/{id}/credentials."""

    @extend_schema(
        operation_id="read_credentials",
        summary="Read how to connect",
        tags=_TAGS,
        responses={200: CredentialsSerializer},
        examples=[examples.CREDENTIALS],
        parameters=[OpenApiParameter("database_id", UUID, OpenApiParameter.PATH)],
    )
    @raises(DatabaseNotFound, Forbidden, credentials.NoCredentialsYet, ClusterUnavailable)
    def get(self, _request: Request, database_id: UUID) -> Response:
        """Return user, password and a URI, read from the cluster for this request; each read is on record. We keep no password."""
        found = credentials.read_credentials(self.actor, database_id)
        return Response(show_credentials(found), headers={"Cache-Control": "no-store"})


def _wish_from(body: dict[str, Any]) -> Wish:
    access = body.pop("access", {})
    return Wish(**body, access_mode=access.get("mode"), allowed_cidrs=tuple(access.get("allowed_cidrs", ())))
