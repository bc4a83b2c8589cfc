"""Who may do what in which tenant. Every read and write of a tenant's things passes through here."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.actor import Actor
from dbaas.core.errors import Forbidden, NotFound
from tenants.models import Membership, Tenant
from tenants.roles import READS, Action, Role, allows, least_role


class TenantNotFound(NotFound):
    """There is no such tenant, or you do not belong to it: check the id, or ask one of its owners to add you."""

    code = "tenant.not_found"


class TenantSuspended(Forbidden):
    """The tenant is suspended, so nothing in it can change: ask the operator of this service."""

    code = "tenant.suspended"


def role_in(actor: Actor, tenant_id: UUID) -> Role | None:
    """Return the actor's role in this tenant, or None for a stranger."""
    role = Membership.objects.filter(tenant_id=tenant_id, user_id=actor.user_id).values_list("role", flat=True).first()
    return Role(role) if role else None


def require(actor: Actor, tenant_id: UUID, action: Action) -> Role:
    """Return the actor's role if it allows this action; one query.

    Raises: TenantNotFound — a stranger must not learn that the tenant exists. Forbidden — the role is too small.
    TenantSuspended — the action changes something in a tenant that an operator has suspended.
    """
    membership = Membership.objects.filter(tenant_id=tenant_id, user_id=actor.user_id)
    row = membership.values_list("role", "tenant__suspended_at").first()
    if row is None:
        raise TenantNotFound
    role, suspended_at = Role(row[0]), row[1]
    if not allows(role, action):
        needed = least_role(action)
        raise Forbidden(
            f"Your role in this tenant is {role}; this needs {needed}: ask an owner for it.",
            extra={"role_needed": needed},
        )
    if suspended_at is not None and action not in READS:
        raise TenantSuspended
    return role


def tenants_of(actor: Actor) -> QuerySet[Tenant]:
    """Return the tenants that the actor belongs to. Operators see no more here; the admin is for them."""
    return Tenant.objects.filter(memberships__user_id=actor.user_id)
