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
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    etag = serializers.CharField(help_text="For `If-Match`.")


class ResourceUseSerializer(serializers.Serializer[Any]):
    """One resource."""

    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    available = serializers.IntegerField()


class QuotaSerializer(serializers.Serializer[Any]):
    """What a tenant may use, uses, and has left."""

    databases = ResourceUseSerializer()
    cpu_millicores = ResourceUseSerializer()
    memory_mib = ResourceUseSerializer()
    storage_gib = ResourceUseSerializer()


class MemberAddSerializer(serializers.Serializer[Any]):
    """A new member."""

    email = serializers.EmailField(max_length=254, help_text="Of somebody who has an account.")
    role = RoleField()


class MemberChangeSerializer(serializers.Serializer[Any]):
    """Another role."""

    role = RoleField()


class MemberSerializer(serializers.Serializer[Any]):
    """A member."""

    user_id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    role = RoleField()
    created_at = serializers.DateTimeField()
