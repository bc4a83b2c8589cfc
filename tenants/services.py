"""Make and change tenants. Who belongs to them is in tenants.members, what they may use in tenants.quota."""

import hashlib
from uuid import UUID

from django.db import IntegrityError
from django.db.models import F

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission, Role
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, Forbidden, Stale
from tenants.access import require
from tenants.models import Membership, Quota, Tenant

_NAMESPACE_MAX = 63
"""A DNS label. Source: RFC 1123 section 2.1, which Kubernetes demands of namespaces."""
_NAMESPACE_PREFIX = "dbaas-"
_DIGEST_DIGITS = 8


class KeyIsBound(Forbidden):
    """The API key is bound to one tenant, so it cannot make another: use a key that is not, or log in."""

    code = "api_key.bound_to_tenant"


class TenantNameTaken(Conflict):
    """A tenant of this name exists: choose another name."""

    code = "tenant.name_taken"


def create(actor: Actor, *, name: str, display_name: str = "") -> Tenant:
    """Make a tenant, with the usual quota and the actor as its owner.

    Raises: TenantNameTaken. KeyIsBound.
    """
    if actor.tenant_id is not None:
        raise KeyIsBound
    try:
        with atomic():
            tenant = Tenant.objects.create(name=name, display_name=display_name, namespace=namespace_for(name))
            Quota.objects.create(tenant=tenant)
            Membership.objects.create(tenant=tenant, user_id=actor.user_id, role=Role.OWNER)
            audit.record(actor, action="tenant.created", object_type="tenant", object_id=tenant.id, tenant_id=tenant.id)
    except IntegrityError as error:
        raise TenantNameTaken from error
    return tenant


def rename(
    actor: Actor,
    tenant_id: UUID,
    *,
    display_name: str,
    expected_version: int | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Change the name that people see; the name that is part of addresses and namespaces stays.

    Raises: TenantNotFound, Forbidden, TenantSuspended. Stale — the tenant is no longer at `expected_version`.
    """
    require(actor, tenant_id, Permission.TENANT_CHANGE)
    expected = {} if expected_version is None else {"version": expected_version}
    with atomic():
        tenant = Tenant.objects.filter(id=tenant_id, **expected)
        if not tenant.update(display_name=display_name, version=F("version") + 1, updated_at=clock.now()):
            raise Stale
        audit.record(actor, action="tenant.changed", object_type="tenant", object_id=tenant_id, tenant_id=tenant_id)


def namespace_for(name: str) -> str:
    """Return the namespace of the tenant of this name: `dbaas-<name>`, or with a digest at the end where that would be too long."""
    whole = _NAMESPACE_PREFIX + name
    if len(whole) <= _NAMESPACE_MAX:
        return whole
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST_DIGITS]
    return f"{whole[: _NAMESPACE_MAX - _DIGEST_DIGITS - 1]}-{digest}"
