"""Who may do what in which tenant. Every read and write of a tenant's things passes through here."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import RULES, Permission, Role, allows, opens
from dbaas.api.errors import ScopeMissing
from dbaas.core.errors import Forbidden, NotFound, Rejected
from tenants.models import Membership, Tenant


class TenantNotFound(NotFound):
    """There is no such tenant, or you do not belong to it: check the id, or ask one of its owners to add you."""

    code = "tenant.not_found"


class TenantSuspended(Forbidden):
    """The tenant is suspended, so nothing in it can change: ask the operator of this service."""

    code = "tenant.suspended"


def within_reach(actor: Actor) -> dict[str, Any]:
    """Return the filters that leave, of anything with a `tenant`, only what belongs to the actor's tenants, or to the one of the API key."""
    bound = {"tenant_id": actor.tenant_id} if actor.tenant_id is not None else {}
    return {"tenant__memberships__user_id": actor.user_id, **bound}


def role_in(actor: Actor, tenant_id: UUID) -> Role | None:
    """Return the actor's role in this tenant, or None for a stranger."""
    role = _membership(actor, tenant_id).values_list("role", flat=True).first()
    return Role(role) if role else None


def require(actor: Actor, tenant_id: UUID, permission: Permission) -> Role:
    """Return the actor's role if it allows this; one query. A member's refusal goes on record, a stranger's would tell them nothing.

    Raises: TenantNotFound — a stranger must not learn that the tenant exists, nor a key that is bound to another one.
    ScopeMissing — the API key is too narrow. Forbidden — the role is too small.
    TenantSuspended — it changes something in a tenant that an operator has suspended.
    """
    row = _membership(actor, tenant_id).values_list("role", "tenant__suspended_at").first()
    if row is None:
        raise TenantNotFound
    role, suspended_at, rule = Role(row[0]), row[1], RULES[permission]
    if not opens(actor.scopes, permission):
        raise _recorded(ScopeMissing(extra={"scope_needed": rule.scope}), actor, tenant_id, permission)
    if not allows(role, permission):
        told = f"Your role in this tenant is {role}; this needs {rule.least_role}: ask an owner for it."
        raise _recorded(Forbidden(told, extra={"role_needed": rule.least_role}), actor, tenant_id, permission)
    if suspended_at is not None and not rule.while_suspended:
        raise _recorded(TenantSuspended(), actor, tenant_id, permission)
    return role


def tenants_of(actor: Actor) -> QuerySet[Tenant]:
    """Return the tenants that the actor belongs to. Operators see no more here; the admin is for them."""
    bound = {"id": actor.tenant_id} if actor.tenant_id is not None else {}
    return Tenant.objects.filter(memberships__user_id=actor.user_id, **bound)


def _membership(actor: Actor, tenant_id: UUID) -> QuerySet[Membership]:
    of_actor = Membership.objects.filter(tenant_id=tenant_id, user_id=actor.user_id)
    return of_actor if actor.tenant_id in (None, tenant_id) else of_actor.none()


def _recorded(refusal: Rejected, actor: Actor, tenant_id: UUID, permission: Permission) -> Rejected:
    audit.record(
        actor,
        action="permission.refused",
        object_type="tenant",
        object_id=tenant_id,
        tenant_id=tenant_id,
        outcome=audit.REFUSED,
        detail={"permission": str(permission), "code": refusal.code},
    )
    return refusal
