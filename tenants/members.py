"""Who belongs to a tenant: admit, change and remove members, and never lose the last owner.

Two owners who demote each other at the same moment must not both succeed. Each change that takes an owner away therefore raises the tenant's
`membership_version` from the value at which another owner was seen; the second of two finds it raised and is refused.
"""

from uuid import UUID

from django.db import IntegrityError
from django.db.models import F

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from accounts.permissions import Permission, Role
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, NotFound
from tenants.access import require
from tenants.models import Membership, Tenant


class LastOwner(Conflict):
    """A tenant must keep an owner: make somebody else an owner first."""

    code = "tenant.last_owner"


class MemberNotFound(NotFound):
    """The tenant has no such member: list them with GET /api/v1/tenants/{id}/members."""

    code = "member.not_found"


class AlreadyMember(Conflict):
    """The person is a member already: change their role instead."""

    code = "member.exists"


class MembersChanged(Conflict):
    """Somebody else changed the members at the same moment: look at them, and try again."""

    code = "member.changed_meanwhile"


def admit(actor: Actor, tenant_id: UUID, user: User, *, role: Role) -> Membership:
    """Make this person a member; who may is the caller's business (people come by invitation, see tenants.invitations).

    Raises: AlreadyMember.
    """
    try:
        with atomic():
            membership = Membership.objects.create(tenant_id=tenant_id, user=user, role=role)
            _record(actor, "member.added", membership, role=role)
    except IntegrityError as error:
        raise AlreadyMember from error
    return membership


def needed_to_give(role: Role) -> Permission:
    """Return what it takes to make somebody this, or to unmake it."""
    return Permission.OWNERS_MANAGE if role == Role.OWNER else Permission.MEMBERS_MANAGE


def change_role(actor: Actor, tenant_id: UUID, user_id: UUID, *, role: Role) -> Membership:
    """Give a member another role; only owners make and unmake owners.

    Raises: TenantNotFound, Forbidden, TenantSuspended. MemberNotFound. LastOwner. MembersChanged.
    """
    require(actor, tenant_id, needed_to_give(role))
    membership = _member(tenant_id, user_id)
    require(actor, tenant_id, needed_to_give(Role(membership.role)))
    with atomic():
        if membership.role == Role.OWNER and role != Role.OWNER:
            _leave_an_owner_besides(user_id, tenant_id)
        if not Membership.objects.filter(id=membership.id, role=membership.role).update(role=role):
            raise MembersChanged
        _record(actor, "member.role_changed", membership, before=membership.role, role=role)
    membership.role = role
    return membership


def remove(actor: Actor, tenant_id: UUID, user_id: UUID) -> None:
    """Take a member away. Everybody may leave by themselves; only owners remove owners.

    Raises: TenantNotFound, Forbidden, TenantSuspended. MemberNotFound. LastOwner. MembersChanged.
    """
    is_leaving = actor.user_id == user_id
    require(actor, tenant_id, Permission.TENANT_LEAVE if is_leaving else Permission.MEMBERS_MANAGE)
    membership = _member(tenant_id, user_id)
    if not is_leaving:
        require(actor, tenant_id, needed_to_give(Role(membership.role)))
    with atomic():
        if membership.role == Role.OWNER:
            _leave_an_owner_besides(user_id, tenant_id)
        deleted, _ = Membership.objects.filter(id=membership.id, role=membership.role).delete()
        if not deleted:
            raise MembersChanged
        _record(actor, "member.removed", membership, role=membership.role)


def _member(tenant_id: UUID, user_id: UUID) -> Membership:
    membership = Membership.objects.select_related("user").filter(tenant_id=tenant_id, user_id=user_id).first()
    if membership is None:
        raise MemberNotFound
    return membership


def _leave_an_owner_besides(user_id: UUID, tenant_id: UUID) -> None:
    version = Tenant.objects.values_list("membership_version", flat=True).get(id=tenant_id)
    if not Membership.objects.filter(tenant_id=tenant_id, role=Role.OWNER).exclude(user_id=user_id).exists():
        raise LastOwner
    unchanged = Tenant.objects.filter(id=tenant_id, membership_version=version)
    if not unchanged.update(membership_version=F("membership_version") + 1):
        raise MembersChanged


def _record(actor: Actor, action: str, membership: Membership, **detail: str) -> None:
    tenant_id = membership.tenant_id
    audit.record(
        actor, action=action, object_type="user", object_id=membership.user_id, tenant_id=tenant_id, detail=detail
    )
