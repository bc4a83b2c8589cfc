"""Bodies that come in, and for the OpenAPI document those that go out (which `tenants.api.shapes` writes)."""

from typing import Any

from rest_framework import serializers

from accounts.permissions import Role
from tenants.models import TENANT_NAME


class RoleField(serializers.ChoiceField):
    """A role, as the enumeration's member."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[role.value for role in Role], **kwargs)

    def to_internal_value(self, data: Any) -> Role:
        """Return the role that this text names."""
        return Role(super().to_internal_value(data))


class TenantCreateSerializer(serializers.Serializer[Any]):
    """A new tenant."""

    name = serializers.CharField(
        min_length=3, max_length=63, validators=[TENANT_NAME], help_text="Unique, and never changes."
    )
    display_name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class TenantChangeSerializer(serializers.Serializer[Any]):
    """What may change about a tenant."""

    display_name = serializers.CharField(max_length=120, allow_blank=True)


class TenantSerializer(serializers.Serializer[Any]):
    """A tenant."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField()
    namespace = serializers.CharField(help_text="The Kubernetes namespace that holds its databases.")
    role = RoleField(help_text="Yours in this tenant.")
    suspended = serializers.BooleanField(help_text="If true, nothing in it can change.")
    suspended_because = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    etag = serializers.CharField(help_text="For `If-Match`.")


class MemberChangeSerializer(serializers.Serializer[Any]):
    """Another role."""

    role = RoleField()


class InvitationCreateSerializer(serializers.Serializer[Any]):
    """A new invitation."""

    email = serializers.EmailField(max_length=254)
    role = RoleField()


class InvitationSerializer(serializers.Serializer[Any]):
    """An open invitation."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    role = RoleField()
    invited_by = serializers.UUIDField(help_text="Who sent the letter last.")
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True, help_text="Null where no mail server took the letter.")
    expires_at = serializers.DateTimeField()


class InvitationTokenSerializer(serializers.Serializer[Any]):
    """What stands in the letter."""

    token = serializers.CharField(max_length=100)


class InvitationRegisterSerializer(InvitationTokenSerializer):
    """A new account for the address that the invitation went to."""

    password = serializers.CharField(
        max_length=256, trim_whitespace=False, help_text="At least 12 characters; no common password."
    )
    name = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)


class JoinedSerializer(serializers.Serializer[Any]):
    """Where one belongs now."""

    tenant = serializers.UUIDField()
    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    role = RoleField()


class MemberSerializer(serializers.Serializer[Any]):
    """A member."""

    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = RoleField()
    created_at = serializers.DateTimeField()
