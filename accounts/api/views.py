"""Routes under /api/v1/auth: accounts, sessions and API keys."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import api_keys, people, sessions
from accounts.actor import origin_of
from accounts.api import examples
from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.api.serializers import (
    ApiKeyCreateSerializer,
    ApiKeySerializer,
    LoginSerializer,
    NewApiKeySerializer,
    RefreshTokenSerializer,
    RegisterSerializer,
    TokenPairSerializer,
    UserSerializer,
)
from accounts.api.shapes import show_api_key, show_pair, show_user
from accounts.key_limits import KeyLimits, KeyTooWide
from accounts.login_limits import TooManyAttempts
from accounts.models import User
from accounts.permissions import Permission
from accounts.tokens import TokenExpired, TokenInvalid
from dbaas.api.errors import CursorInvalid
from dbaas.api.openapi import PAGE_PARAMETERS, page_of, raises
from dbaas.api.pagination import page
from dbaas.api.rate_limits.rates import Rate
from dbaas.api.views import validated

_SECRET = {"Cache-Control": "no-store"}
_TAGS = ["auth"]


class OpenView(APIView):
    """A route for people who are not logged in yet."""

    authentication_classes = []


class RegisterView(OpenView):
    """POST auth/register."""

    rate = Rate.LOGINS

    @extend_schema(
        operation_id="register",
        summary="Make an account",
        tags=_TAGS,
        auth=[],
        request=RegisterSerializer,
        responses={201: UserSerializer},
        examples=[examples.REGISTER, examples.USER],
    )
    @needs(Permission.PUBLIC)
    @raises(people.EmailTaken, people.RegistrationClosed)
    def post(self, request: Request) -> Response:
        """Make an account; log in with it afterwards. It belongs to no tenant yet: make one, or have an owner add you."""
        user = people.register(**validated(RegisterSerializer, request), origin=origin_of(request))
        return Response(show_user(user), status=status.HTTP_201_CREATED)


class LoginView(OpenView):
    """POST auth/login."""

    rate = Rate.LOGINS

    @extend_schema(
        operation_id="log_in",
        summary="Log in",
        tags=_TAGS,
        auth=[],
        request=LoginSerializer,
        responses={200: TokenPairSerializer},
        examples=[examples.LOGIN, examples.PAIR],
    )
    @needs(Permission.PUBLIC)
    @raises(sessions.InvalidCredentials, TooManyAttempts)
    def post(self, request: Request) -> Response:
        """Begin a session. The access token opens the API for some minutes; the refresh token is exchanged for the next pair."""
        pair = sessions.log_in(**validated(LoginSerializer, request), origin=origin_of(request))
        return Response(show_pair(pair), headers=_SECRET)


class RefreshView(OpenView):
    """POST auth/refresh."""

    @extend_schema(
        operation_id="refresh",
        summary="Stay logged in",
        tags=_TAGS,
        auth=[],
        request=RefreshTokenSerializer,
        responses={200: TokenPairSerializer},
        examples=[examples.REFRESH, examples.PAIR],
    )
    @needs(Permission.PUBLIC)
    @raises(TokenInvalid, TokenExpired, sessions.TokenReused, sessions.SessionEnded)
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair. Each is good for one use: presenting one again ends the whole session."""
        token = validated(RefreshTokenSerializer, request)["refresh"]
        return Response(show_pair(sessions.refresh(token=token, origin=origin_of(request))), headers=_SECRET)


class LogoutView(OpenView):
    """POST auth/logout."""

    @extend_schema(
        operation_id="log_out",
        summary="Log out",
        tags=_TAGS,
        auth=[],
        request=RefreshTokenSerializer,
        responses={204: None},
        examples=[examples.REFRESH],
    )
    @needs(Permission.PUBLIC)
    @raises(TokenInvalid, TokenExpired)
    def post(self, request: Request) -> Response:
        """End the session that this refresh token belongs to. Doing so twice is no error."""
        token = validated(RefreshTokenSerializer, request)["refresh"]
        sessions.log_out(token=token, origin=origin_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(APIView):
    """GET auth/me."""

    @extend_schema(
        operation_id="me",
        summary="Who am I",
        tags=_TAGS,
        responses={200: UserSerializer},
        examples=[examples.USER],
    )
    @needs(Permission.ACCOUNT_READ)
    @raises()
    def get(self, request: Request) -> Response:
        """Return the account that the credentials of this request belong to."""
        user: User = request.user  # type: ignore[assignment] # authenticated, or this view is not reached
        return Response(show_user(user))


class ApiKeysView(ActorView):
    """GET and POST auth/api-keys."""

    @extend_schema(
        operation_id="list_api_keys",
        summary="List your API keys",
        tags=_TAGS,
        parameters=PAGE_PARAMETERS,
        responses={200: page_of(ApiKeySerializer)},
        examples=[examples.API_KEYS],
    )
    @needs(Permission.KEYS_READ)
    @raises(CursorInvalid)
    def get(self, request: Request) -> Response:
        """List your API keys that are not revoked, newest first."""
        found = page(api_keys.keys_of(self.actor), request)
        return Response({**found, "items": [show_api_key(key) for key in found["items"]]})

    @extend_schema(
        operation_id="create_api_key",
        summary="Make an API key",
        tags=_TAGS,
        request=ApiKeyCreateSerializer,
        responses={201: NewApiKeySerializer},
        examples=[examples.API_KEY_CREATE, examples.NEW_API_KEY],
    )
    @needs(Permission.KEYS_WRITE)
    @raises(KeyTooWide, api_keys.TooManyApiKeys)
    def post(self, request: Request) -> Response:
        """Make a key for a program. It may do what you may do, within its scopes, tenant and networks, and is shown in this answer only."""
        asked = validated(ApiKeyCreateSerializer, request)
        limits = KeyLimits(
            scopes=None if asked["scopes"] is None else tuple(asked["scopes"]),
            tenant_id=asked["tenant"],
            allowed_networks=tuple(asked["allowed_networks"]),
            expires_at=asked["expires_at"],
        )
        key, text = api_keys.create(self.actor, name=asked["name"], limits=limits)
        return Response({**show_api_key(key), "key": text}, status=status.HTTP_201_CREATED, headers=_SECRET)


class ApiKeyView(ActorView):
    """DELETE auth/api-keys/{id}."""

    @extend_schema(operation_id="revoke_api_key", summary="Revoke an API key", tags=_TAGS, responses={204: None})
    @needs(Permission.KEYS_WRITE)
    @raises(api_keys.ApiKeyNotFound)
    def delete(self, _request: Request, key_id: UUID) -> Response:
        """Revoke one of your keys, and those that were made with it. Requests with it are refused from now on."""
        api_keys.revoke(self.actor, key_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
