"""Reads of tenants and their members, always as somebody: what a stranger may not see is not found."""

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from accounts.actor import Actor
from accounts.permissions import Permission
from tenants.access import TenantNotFound, require, tenants_of
from tenants.models import Membership, Quota, Tenant


def tenants_with_role(actor: Actor) -> QuerySet[Tenant, Any]:
    """Return the actor's tenants, each with the actor's `role`."""
    return tenants_of(actor).annotate(role=F("memberships__role"))


def tenant_with_role(actor: Actor, tenant_id: UUID) -> Any:
    """Return one tenant with the actor's `role`; one query.

    Raises: TenantNotFound.
    """
    tenant = tenants_with_role(actor).filter(id=tenant_id).first()
    if tenant is None:
        raise TenantNotFound
    return tenant


def quota_of(actor: Actor, tenant_id: UUID) -> Quota:
    """Return what the tenant may use and uses.

    Raises: TenantNotFound.
    """
    require(actor, tenant_id, Permission.TENANT_READ)
    return Quota.objects.get(tenant_id=tenant_id)


def members_of(actor: Actor, tenant_id: UUID) -> QuerySet[Membership]:
    """Return the tenant's members with their accounts.

    Raises: TenantNotFound.
    """
    require(actor, tenant_id, Permission.MEMBERS_READ)
    return Membership.objects.filter(tenant_id=tenant_id).select_related("user")
