"""GET tenants/{id}/quota. Here and not with the other routes of tenants, because what operations have taken is known here."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.acting import ActorView
from accounts.api.permissions import needs
from accounts.permissions import Permission
from dbaas.api.openapi import raises
from provisioning.services.quota import read_quota
from tenants.access import TenantNotFound

_RESOURCES = {
    "databases": {"limit": 10, "used": 2, "reserved": 1, "available": 7},
    "cpu_millicores": {"limit": 32000, "used": 4000, "reserved": 500, "available": 27500},
    "memory_mib": {"limit": 65536, "used": 8192, "reserved": 1024, "available": 56320},
    "storage_gib": {"limit": 1000, "used": 60, "reserved": 10, "available": 930},
    "backup_gib": {"limit": 1000, "used": 12, "reserved": 0, "available": 988},
}
_EXAMPLE = OpenApiExample("quota", value={"plan": "standard", **_RESOURCES}, response_only=True)


class ResourceUseSerializer(serializers.Serializer[Any]):
    """One resource."""

    limit = serializers.IntegerField()
    used = serializers.IntegerField(help_text="By what runs.")
    reserved = serializers.IntegerField(help_text="Besides, by operations that are under way.")
    available = serializers.IntegerField()


class QuotaSerializer(serializers.Serializer[Any]):
    """What a tenant may use, uses, and has left."""

    plan = serializers.CharField(help_text="Where the limits came from; an operator may have changed some since.")
    databases = ResourceUseSerializer()
    cpu_millicores = ResourceUseSerializer()
    memory_mib = ResourceUseSerializer()
    storage_gib = ResourceUseSerializer()
    backup_gib = ResourceUseSerializer()


class QuotaView(ActorView):
    """GET tenants/{id}/quota."""

    @extend_schema(
        operation_id="read_quota",
        summary="Read a tenant's quota",
        tags=["tenants"],
        responses={200: QuotaSerializer},
        examples=[_EXAMPLE],
    )
    @needs(Permission.TENANT_READ)
    @raises(TenantNotFound)
    def get(self, _request: Request, tenant_id: UUID) -> Response:
        """Return, for each resource, the limit, what is in use, what operations have reserved besides, and what is left."""
        plan, standings = read_quota(self.actor, tenant_id)
        shown = {
            name: {
                "limit": standing.limit,
                "used": standing.used,
                "reserved": standing.reserved,
                "available": standing.available,
            }
            for name, standing in standings.items()
        }
        return Response({"plan": plan, **shown})
