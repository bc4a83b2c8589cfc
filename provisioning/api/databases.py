"""Routes under /api/v1/databases: order, list, read, change and delete databases, and read how to connect."""

from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid, IdempotencyKeyInvalid
from dbaas.api.etag import is_unchanged, not_modified, require_match
from dbaas.api.openapi import IDEMPOTENCY_KEY, IF_MATCH, PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.rate_limits.rates import Rate
from dbaas.api.views import validated, validated_query
from dbaas.core.errors import Forbidden, Stale
from provisioning import selectors
from provisioning.api import examples
from provisioning.api.accepting import accepted, idempotency_of
from provisioning.api.serializers import (
    CredentialsSerializer,
    DatabaseChangeSerializer,
    DatabaseCreateSerializer,
    DatabaseFilterSerializer,
    DatabaseSerializer,
    DeletionSerializer,
    OperationSerializer,
)
from provisioning.api.shapes import database_etag, show_credentials, show_database
from provisioning.backups.driver import NoBackupsHere
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.orders import InvalidOrder, Origin, Wish
from provisioning.selectors import DatabaseNotFound
from provisioning.services import changing, credentials, ordering
from provisioning.services.refusals import DeletionProtected, KeyReused, NameTaken, OperationInProgress, StateForbids
from provisioning.services.requesting import request_operation
from tenants.access import TenantNotFound, TenantSuspended
from tenants.quota import QuotaExceeded

_TAGS = ["databases"]


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
    @needs(Permission.DATABASES_READ)
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
    @needs(Permission.DATABASES_WRITE)
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
    @needs(Permission.DATABASES_READ)
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
        summary="Change labels, protection, expiry or settings",
        tags=_TAGS,
        parameters=[IF_MATCH, IDEMPOTENCY_KEY],
        request=DatabaseChangeSerializer,
        responses={200: DatabaseSerializer, 202: OperationSerializer},
        examples=[examples.CHANGE, examples.DATABASE],
    )
    @needs(Permission.DATABASES_WRITE)
    @raises(
        DatabaseNotFound,
        Forbidden,
        TenantSuspended,
        InvalidOrder,
        StateForbids,
        OperationInProgress,
        KeyReused,
        Stale,
        IdempotencyKeyInvalid,
    )
    def patch(self, request: Request, database_id: UUID) -> Response:
        """Change what needs no work in the cluster: it holds at once. With `parameters` it is an operation too, as `POST .../reconfigure`."""
        database = selectors.database_of(self.actor, database_id)
        must_match = require_match(request, database_etag(database))
        change = validated(DatabaseChangeSerializer, request, partial=True)
        parameters = change.pop("parameters", None)
        version = database.row_version if must_match else None
        make = partial(changing.change_database, self.actor, database_id, change, expected_version=version)
        if parameters is None:
            changed = make()
            return Response(show_database(changed), headers={"ETag": database_etag(changed)})
        body, idempotency = {"parameters": parameters}, idempotency_of(request)
        return accepted(request_operation(self.actor, database_id, "reconfigure", body, idempotency, along_with=make))

    @extend_schema(
        operation_id="delete_database",
        summary="Delete a database",
        tags=_TAGS,
        parameters=[DeletionSerializer, IF_MATCH, IDEMPOTENCY_KEY],
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @needs(Permission.DATABASES_WRITE)
    @raises(
        DatabaseNotFound,
        Forbidden,
        TenantSuspended,
        DeletionProtected,
        StateForbids,
        NoBackupsHere,
        OperationInProgress,
        KeyReused,
        Stale,
        IdempotencyKeyInvalid,
    )
    def delete(self, request: Request, database_id: UUID) -> Response:
        """Delete a database with everything it stores. A running operation is asked to cancel first. Asking twice is the same as once."""
        require_match(request, database_etag(selectors.database_of(self.actor, database_id)))
        asked = validated_query(DeletionSerializer, request)
        farewell = ordering.Farewell(keeps_backups=asked["backups"] == "keep", takes_final_backup=asked["final_backup"])
        return accepted(ordering.delete_database(self.actor, database_id, idempotency_of(request), farewell))


class CredentialsView(ActorView):
    """GET databases/{id}/credentials."""

    rate = Rate.CREDENTIALS

    @extend_schema(
        operation_id="read_credentials",
        summary="Read how to connect",
        tags=_TAGS,
        responses={200: CredentialsSerializer},
        examples=[examples.CREDENTIALS],
        parameters=[OpenApiParameter("database_id", UUID, OpenApiParameter.PATH)],
    )
    @needs(Permission.CREDENTIALS_READ)
    @raises(DatabaseNotFound, Forbidden, credentials.NoCredentialsYet, ClusterUnavailable)
    def get(self, _request: Request, database_id: UUID) -> Response:
        """Return user, password and a URI, read from the cluster for this request; each read is on record. We keep no password."""
        found = credentials.read_credentials(self.actor, database_id)
        return Response(show_credentials(found), headers={"Cache-Control": "no-store"})


def _wish_from(body: dict[str, Any]) -> Wish:
    access = body.pop("access", {})
    origin = body.pop("restore_from", None)
    return Wish(
        **body,
        access_mode=access.get("mode"),
        allowed_cidrs=tuple(access.get("allowed_cidrs", ())),
        restore_from=Origin(**origin) if origin else None,
    )
