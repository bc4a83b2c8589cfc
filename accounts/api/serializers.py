"""Bodies that come in, and for the OpenAPI document those that go out (which `accounts.api.shapes` writes)."""

from typing import Any

from rest_framework import serializers

from accounts.key_limits import MAX_NETWORKS
from accounts.permissions import Scope


class RegisterSerializer(serializers.Serializer[Any]):
    """A new account."""

    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(
        max_length=256, trim_whitespace=False, help_text="At least 12 characters; no common password."
    )
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class LoginSerializer(serializers.Serializer[Any]):
    """E-mail and password."""

    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=256, trim_whitespace=False)


class RefreshTokenSerializer(serializers.Serializer[Any]):
    """A refresh token."""

    refresh = serializers.CharField(max_length=2048)


class ApiKeyCreateSerializer(serializers.Serializer[Any]):
    """A new API key."""

    name = serializers.CharField(max_length=80, help_text="What it is for; only you see it.")
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, default=None, help_text="Never, if left out."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[scope.value for scope in Scope]),
        required=False,
        allow_null=True,
        default=None,
        allow_empty=False,
        max_length=len(Scope),
        help_text="What of your rights it has; if left out, all but making further keys.",
    )
    tenant = serializers.UUIDField(
        required=False,
        allow_null=True,
        default=None,
        help_text="The only tenant that it opens; all of yours, if left out.",
    )
    allowed_networks = serializers.ListField(
        child=serializers.CharField(max_length=43),
        required=False,
        default=list,
        max_length=MAX_NETWORKS,
        help_text="From where it may be used, in CIDR notation; from anywhere, if left out.",
    )


class UserSerializer(serializers.Serializer[Any]):
    """An account."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    is_operator = serializers.BooleanField(help_text="May use the admin.")
    created_at = serializers.DateTimeField()


class TokenPairSerializer(serializers.Serializer[Any]):
    """A session."""

    access = serializers.CharField(help_text="Send as `Authorization: Bearer <access>`.")
    refresh = serializers.CharField(help_text="Good for one use at `auth/refresh`.")
    expires_in = serializers.IntegerField(help_text="Seconds until `access` ends.")


class ApiKeySerializer(serializers.Serializer[Any]):
    """An API key, without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key begins, after `dbk_`.")
    scopes = serializers.ListField(child=serializers.CharField())
    tenant = serializers.UUIDField(allow_null=True)
    allowed_networks = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    last_used_address = serializers.CharField(allow_null=True, help_text="From where, that time.")
    created_at = serializers.DateTimeField()


class NewApiKeySerializer(ApiKeySerializer):
    """An API key with its secret, this once."""

    key = serializers.CharField(help_text="Send as `X-API-Key`. It is not shown again.")
