"""Routes for invitations: those of a tenant, and what their readers do with them."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actor import origin_of
from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.api.views import OpenView
from accounts.models import User
from accounts.people import EmailTaken
from accounts.permissions import Permission
from dbaas.api.errors import CursorInvalid
from dbaas.api.openapi import PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.rate_limits.rates import Rate
from dbaas.api.views import validated
from dbaas.core.errors import Forbidden
from tenants import invitations
from tenants.access import TenantNotFound, TenantSuspended
from tenants.api import examples
from tenants.api.serializers import (
    InvitationCreateSerializer,
    InvitationRegisterSerializer,
    InvitationSerializer,
    InvitationTokenSerializer,
    JoinedSerializer,
)
from tenants.api.shapes import show_invitation, show_joined
from tenants.members import AlreadyMember

_TAGS = ["tenants"]


class InvitationsView(ActorView):
    """GET and POST tenants/{id}/invitations."""

    @extend_schema(
        operation_id="list_invitations",
        summary="List a tenant's open invitations",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(InvitationSerializer)},
        examples=[examples.INVITATIONS],
    )
    @needs(Permission.INVITATIONS_READ)
    @raises(TenantNotFound, Forbidden, CursorInvalid)
    def get(self, request: Request, tenant_id: UUID) -> Response:
        """List who is invited and has not joined yet, newest first. Needs the role `admin`."""
        found = page(invitations.invitations_of(self.actor, tenant_id), request)
        return Response({**found, "items": [show_invitation(invitation) for invitation in found["items"]]})

    @extend_schema(
        operation_id="invite_member",
        summary="Invite somebody",
        tags=_TAGS,
        request=InvitationCreateSerializer,
        responses={201: InvitationSerializer},
        examples=[examples.INVITATION_CREATE, examples.INVITATION],
    )
    @needs(Permission.MEMBERS_MANAGE)
    @raises(
        TenantNotFound,
        Forbidden,
        TenantSuspended,
        AlreadyMember,
        invitations.AlreadyInvited,
        invitations.TooManyInvitations,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        """Send a letter with which its reader joins, with an account or without. Needs the role `admin`; to make an owner, `owner`."""
        invitation = invitations.invite(self.actor, tenant_id, **validated(InvitationCreateSerializer, request))
        return Response(show_invitation(invitation), status=status.HTTP_201_CREATED)


class InvitationView(ActorView):
    """DELETE tenants/{id}/invitations/{id}."""

    @extend_schema(
        operation_id="withdraw_invitation", summary="Withdraw an invitation", tags=_TAGS, responses={204: None}
    )
    @needs(Permission.MEMBERS_MANAGE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, invitations.InvitationNotFound)
    def delete(self, _request: Request, tenant_id: UUID, invitation_id: UUID) -> Response:
        """End an open invitation: its letter is worth nothing from now on. Needs the role `admin`."""
        invitations.withdraw(self.actor, tenant_id, invitation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendView(ActorView):
    """POST tenants/{id}/invitations/{id}/resend."""

    @extend_schema(
        operation_id="resend_invitation",
        summary="Send an invitation again",
        tags=_TAGS,
        request=None,
        responses={200: InvitationSerializer},
        examples=[examples.INVITATION],
    )
    @needs(Permission.MEMBERS_MANAGE)
    @raises(TenantNotFound, Forbidden, TenantSuspended, invitations.InvitationNotFound, invitations.SentJustNow)
    def post(self, _request: Request, tenant_id: UUID, invitation_id: UUID) -> Response:
        """Send a new letter, for another seven days; the one before is worth nothing any more. Needs the role `admin`."""
        return Response(show_invitation(invitations.send_again(self.actor, tenant_id, invitation_id)))


class AcceptView(ActorView):
    """POST invitations/accept."""

    @extend_schema(
        operation_id="accept_invitation",
        summary="Accept an invitation",
        tags=_TAGS,
        request=InvitationTokenSerializer,
        responses={200: JoinedSerializer},
        examples=[examples.TOKEN, examples.JOINED],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises(invitations.InvitationInvalid, invitations.OtherAddress, AlreadyMember, TenantSuspended)
    def post(self, request: Request) -> Response:
        """Join a tenant with the account that you have; its address must be the one that the letter went to."""
        user: User = request.user  # type: ignore[assignment] # authenticated, or this view is not reached
        token = validated(InvitationTokenSerializer, request)["token"]
        return Response(show_joined(invitations.accept(self.actor, user, token=token)))


class InvitedRegisterView(OpenView):
    """POST invitations/register."""

    rate = Rate.LOGINS

    @extend_schema(
        operation_id="register_invited",
        summary="Make an account with an invitation",
        tags=_TAGS,
        auth=[],
        request=InvitationRegisterSerializer,
        responses={201: JoinedSerializer},
        examples=[examples.NEWCOMER, examples.JOINED],
    )
    @needs(Permission.PUBLIC)
    @raises(invitations.InvitationInvalid, EmailTaken, TenantSuspended)
    def post(self, request: Request) -> Response:
        """Make an account for the address that the letter went to, and join; log in with it afterwards."""
        joined = invitations.register(**validated(InvitationRegisterSerializer, request), origin=origin_of(request))
        return Response(show_joined(joined), status=status.HTTP_201_CREATED)
