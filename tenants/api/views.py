"""Routes under /api/v1/tenants: tenants and their quota. Members and the audit log have files of their own."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission, Role
from dbaas.api.errors import CursorInvalid
from dbaas.api.etag import etag_of, is_unchanged, not_modified, require_match
from dbaas.api.openapi import IF_MATCH, PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.views import validated
from dbaas.core.errors import Forbidden, Stale
from tenants import selectors, services
from tenants.access import TenantNotFound, TenantSuspended
from tenants.api import examples
from tenants.api.serializers import (
    TenantChangeSerializer,
    TenantCreateSerializer,
    TenantSerializer,
)
from tenants.api.shapes import show_tenant

_TAGS = ["tenants"]


class TenantsView(ActorView):
    """GET and POST tenants."""

    @extend_schema(
        operation_id="list_tenants",
        summary="List your tenants",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(TenantSerializer)},
        examples=[examples.TENANTS],
    )
    @needs(Permission.TENANT_READ)
    @raises(CursorInvalid)
    def get(self, request: Request) -> Response:
        """List the tenants that you are a member of, newest first."""
        found = page(selectors.tenants_with_role(self.actor), request)
        return Response({**found, "items": [show_tenant(tenant, role=tenant.role) for tenant in found["items"]]})

    @extend_schema(
        operation_id="create_tenant",
        summary="Make a tenant",
        tags=_TAGS,
        request=TenantCreateSerializer,
        responses={201: TenantSerializer},
        examples=[examples.TENANT_CREATE, examples.TENANT],
    )
    @needs(Permission.TENANT_CREATE)
    @raises(services.TenantNameTaken, services.KeyIsBound)
    def post(self, request: Request) -> Response:
        """Make a tenant and become its owner."""
        tenant = services.create(self.actor, **validated(TenantCreateSerializer, request))
        headers = {"Location": f"/api/v1/tenants/{tenant.id}", "ETag": etag_of(tenant.id, tenant.version)}
        return Response(show_tenant(tenant, role=Role.OWNER), status=status.HTTP_201_CREATED, headers=headers)


class TenantView(ActorView):
    """GET and PATCH tenants/{id}."""

    @extend_schema(
        operation_id="read_tenant",
        summary="Read a tenant",
        tags=_TAGS,
        responses={200: TenantSerializer},
        examples=[examples.TENANT],
    )
    @needs(Permission.TENANT_READ)
    @raises(TenantNotFound)
    def get(self, request: Request, tenant_id: UUID) -> Response | HttpResponse:
        """Return a tenant that you are a member of; 304 if `If-None-Match` names its present ETag."""
        tenant = selectors.tenant_with_role(self.actor, tenant_id)
        etag = etag_of(tenant.id, tenant.version)
        if is_unchanged(request, etag):
            return not_modified(etag)
        return Response(show_tenant(tenant, role=tenant.role), headers={"ETag": etag})

    @extend_schema(
        operation_id="change_tenant",
        summary="Change a tenant",
        tags=_TAGS,
        parameters=[IF_MATCH],
        request=TenantChangeSerializer,
        responses={200: TenantSerializer},
        examples=[examples.TENANT_CHANGE, examples.TENANT],
    )
    @needs(Permission.TENANT_CHANGE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, Stale)
    def patch(self, request: Request, tenant_id: UUID) -> Response:
        """Change the name that people see. Needs the role `admin`."""
        before = selectors.tenant_with_role(self.actor, tenant_id)
        is_matched = require_match(request, etag_of(before.id, before.version))
        expected_version = before.version if is_matched else None
        services.rename(
            self.actor, tenant_id, **validated(TenantChangeSerializer, request), expected_version=expected_version
        )
        tenant = selectors.tenant_with_role(self.actor, tenant_id)
        return Response(show_tenant(tenant, role=tenant.role), headers={"ETag": etag_of(tenant.id, tenant.version)})
