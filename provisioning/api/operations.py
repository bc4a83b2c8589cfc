"""Routes under /api/v1/operations, and the operations of one database."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid
from dbaas.api.openapi import PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated_query
from dbaas.core.errors import Forbidden
from provisioning import selectors
from provisioning.api import examples
from provisioning.api.serializers import OperationFilterSerializer, OperationSerializer, OperationWithTimelineSerializer
from provisioning.api.shapes import show_operation, show_operation_with_timeline
from provisioning.selectors import DatabaseNotFound, OperationNotFound
from provisioning.services import control
from provisioning.services.refusals import AlreadyFinished, NotStuck, StuckCannotCancel, TooLateToCancel
from tenants.access import TenantSuspended

_TAGS = ["operations"]


class OperationsView(ActorView):
    """GET operations."""

    @extend_schema(
        operation_id="list_operations",
        summary="List operations",
        tags=_TAGS,
        parameters=[OperationFilterSerializer, *PAGE_PARAMETERS],
        responses={200: page_of(OperationSerializer)},
        examples=[examples.OPERATIONS],
    )
    @needs(Permission.OPERATIONS_READ)
    @raises(CursorInvalid)
    def get(self, request: Request) -> Response:
        """List the operations of all your tenants, newest first."""
        wanted = validated_query(OperationFilterSerializer, request)
        columns = {"tenant": "tenant_id", "database": "database_id"}
        filters = {columns.get(name, name): value for name, value in wanted.items()}
        found = page(selectors.operations_of(self.actor, **filters), request)
        return Response({**found, "items": [show_operation(operation) for operation in found["items"]]})


class DatabaseOperationsView(ActorView):
    """GET databases/{id}/operations."""

    @extend_schema(
        operation_id="list_operations_of_database",
        summary="List a database's operations",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(OperationSerializer)},
        examples=[examples.OPERATIONS],
    )
    @needs(Permission.OPERATIONS_READ)
    @raises(DatabaseNotFound, CursorInvalid)
    def get(self, request: Request, database_id: UUID) -> Response:
        """List what was and is being done to one database, newest first."""
        database = selectors.database_of(self.actor, database_id)
        found = page(selectors.operations_of(self.actor, database_id=database.id), request)
        return Response({**found, "items": [show_operation(operation) for operation in found["items"]]})


class OperationView(ActorView):
    """GET operations/{id}."""

    @extend_schema(
        operation_id="read_operation",
        summary="Read an operation with its timeline",
        tags=_TAGS,
        responses={200: OperationWithTimelineSerializer},
        examples=[examples.OPERATION_WITH_TIMELINE],
    )
    @needs(Permission.OPERATIONS_READ)
    @raises(OperationNotFound)
    def get(self, _request: Request, operation_id: UUID) -> Response:
        """Return where an operation stands and everything that happened in it so far."""
        operation = selectors.operation_of(self.actor, operation_id)
        return Response(show_operation_with_timeline(operation, selectors.timeline_of(operation)))


class CancelView(ActorView):
    """POST operations/{id}/cancel."""

    @extend_schema(
        operation_id="cancel_operation",
        summary="Cancel an operation",
        tags=_TAGS,
        request=None,
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @needs(Permission.OPERATIONS_WRITE)
    @raises(OperationNotFound, Forbidden, TenantSuspended, AlreadyFinished, TooLateToCancel, StuckCannotCancel)
    def post(self, _request: Request, operation_id: UUID) -> Response:
        """Ask an operation to turn back: it stops at its next step and undoes what it did. Too late past its point of no return."""
        operation = control.cancel(self.actor, operation_id)
        return Response(show_operation(operation), status=status.HTTP_202_ACCEPTED)


class RetryView(ActorView):
    """POST operations/{id}/retry."""

    @extend_schema(
        operation_id="retry_operation",
        summary="Retry a stuck operation",
        tags=_TAGS,
        request=None,
        responses={202: OperationSerializer},
        examples=[examples.OPERATION],
    )
    @needs(Permission.OPERATIONS_WRITE)
    @raises(OperationNotFound, Forbidden, TenantSuspended, NotStuck)
    def post(self, _request: Request, operation_id: UUID) -> Response:
        """Let an operation that is stuck go on at the step where it stopped, with fresh tries and deadlines."""
        operation = control.retry(self.actor, operation_id)
        return Response(show_operation(operation), status=status.HTTP_202_ACCEPTED)
