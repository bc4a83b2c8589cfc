"""Routes under /api/v1/auth about passwords and about ending every session."""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import passwords, sessions
from accounts.actor import origin_of
from accounts.api import examples
from accounts.api.acting import ActorView
from accounts.api.password_serializers import (
    PasswordChangeSerializer,
    PasswordResetConfirmSerializer,
    PasswordResetSerializer,
)
from accounts.api.permissions import needs
from accounts.api.serializers import TokenPairSerializer
from accounts.api.shapes import show_pair
from accounts.api.views import OpenView
from accounts.login_limits import TooManyAttempts
from accounts.permissions import Permission
from dbaas.api.openapi import raises
from dbaas.api.rate_limits.rates import Rate
from dbaas.api.views import validated

_TAGS = ["auth"]
_SECRET = {"Cache-Control": "no-store"}
_NEW = {"new_password": "an even longer pass phrase"}


class LogoutEverywhereView(ActorView):
    """POST auth/logout-everywhere."""

    @extend_schema(
        operation_id="log_out_everywhere",
        summary="End all sessions",
        tags=_TAGS,
        request=None,
        responses={204: None},
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises()
    def post(self, _request: Request) -> Response:
        """End every session of yours at once, this one too, access tokens included. API keys stay: revoke them by themselves."""
        sessions.end_all_of(self.actor, self.actor.user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(ActorView):
    """POST auth/password."""

    @extend_schema(
        operation_id="change_password",
        summary="Change your password",
        tags=_TAGS,
        request=PasswordChangeSerializer,
        responses={200: TokenPairSerializer},
        examples=[
            OpenApiExample("passwords", value={"current_password": "a long pass phrase", **_NEW}, request_only=True),
            examples.PAIR,
        ],
    )
    @needs(Permission.ACCOUNT_MANAGE)
    @raises(TooManyAttempts)
    def post(self, request: Request) -> Response:
        """Choose a new password. Every session ends; the answer is a new one for you. API keys stay."""
        pair = passwords.change(self.actor, **validated(PasswordChangeSerializer, request))
        return Response(show_pair(pair), headers=_SECRET)


class PasswordResetView(OpenView):
    """POST auth/password-reset."""

    rate = Rate.LOGINS

    @extend_schema(
        operation_id="ask_for_password_reset",
        summary="Forgotten password",
        tags=_TAGS,
        auth=[],
        request=PasswordResetSerializer,
        responses={204: None},
        examples=[OpenApiExample("address", value={"email": "alice@example.com"}, request_only=True)],
    )
    @needs(Permission.PUBLIC)
    @raises()
    def post(self, request: Request) -> Response:
        """Have a letter sent with which you can choose a new password, good for an hour. The answer is the same for an address without account."""
        passwords.ask_for_letter(**validated(PasswordResetSerializer, request), origin=origin_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordResetConfirmView(OpenView):
    """POST auth/password-reset/confirm."""

    rate = Rate.LOGINS

    @extend_schema(
        operation_id="reset_password",
        summary="Choose a new password",
        tags=_TAGS,
        auth=[],
        request=PasswordResetConfirmSerializer,
        responses={204: None},
        examples=[OpenApiExample("token", value={"token": "mF_9.B5f-4.1JqM...", **_NEW}, request_only=True)],
    )
    @needs(Permission.PUBLIC)
    @raises(passwords.ResetInvalid)
    def post(self, request: Request) -> Response:
        """Choose a new password with the token from the letter. Every session ends; log in with the new password."""
        passwords.reset(**validated(PasswordResetConfirmSerializer, request), origin=origin_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
