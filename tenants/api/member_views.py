"""Routes under /api/v1/tenants/{id}/members."""

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
from dbaas.api.views import validated
from dbaas.core.errors import Forbidden
from tenants import members, selectors
from tenants.access import TenantNotFound, TenantSuspended
from tenants.api import examples
from tenants.api.serializers import MemberChangeSerializer, MemberSerializer
from tenants.api.shapes import show_member

_TAGS = ["tenants"]


class MembersView(ActorView):
    """GET tenants/{id}/members."""

    @extend_schema(
        operation_id="list_members",
        summary="List a tenant's members",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(MemberSerializer)},
        examples=[examples.MEMBERS],
    )
    @needs(Permission.MEMBERS_READ)
    @raises(TenantNotFound, CursorInvalid)
    def get(self, request: Request, tenant_id: UUID) -> Response:
        """List who belongs to this tenant, newest first."""
        found = page(selectors.members_of(self.actor, tenant_id), request)
        return Response({**found, "items": [show_member(membership) for membership in found["items"]]})


class MemberView(ActorView):
    """PATCH and DELETE tenants/{id}/members/{user_id}."""

    @extend_schema(
        operation_id="change_member",
        summary="Change a member's role",
        tags=_TAGS,
        request=MemberChangeSerializer,
        responses={200: MemberSerializer},
        examples=[examples.MEMBER_CHANGE, examples.MEMBER],
    )
    @needs(Permission.MEMBERS_MANAGE)
    @raises(
        TenantNotFound, members.MemberNotFound, Forbidden, TenantSuspended, members.LastOwner, members.MembersChanged
    )
    def patch(self, request: Request, tenant_id: UUID, user_id: UUID) -> Response:
        """Give a member another role. Needs the role `admin`; to make or unmake an owner, `owner`."""
        membership = members.change_role(self.actor, tenant_id, user_id, **validated(MemberChangeSerializer, request))
        return Response(show_member(membership))

    @extend_schema(operation_id="remove_member", summary="Remove a member", tags=_TAGS, responses={204: None})
    @needs(Permission.TENANT_LEAVE)
    @raises(
        TenantNotFound, members.MemberNotFound, Forbidden, TenantSuspended, members.LastOwner, members.MembersChanged
    )
    def delete(self, _request: Request, tenant_id: UUID, user_id: UUID) -> Response:
        """Take a member away. Everybody may leave by themselves; to remove others, the role `admin` is needed, and `owner` for owners."""
        members.remove(self.actor, tenant_id, user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
