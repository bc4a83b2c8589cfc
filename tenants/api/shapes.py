"""How objects of this application look in answers: plain dictionaries, by hand."""

from typing import Any

from dbaas.api.etag import etag_of
from tenants.invitations import Joined
from tenants.models import Invitation, Membership, Tenant


def show_tenant(tenant: Tenant, *, role: str) -> dict[str, Any]:
    """Return a tenant as a member of this role sees it."""
    return {
        "id": tenant.id,
        "name": tenant.name,
        "display_name": tenant.display_name,
        "namespace": tenant.namespace,
        "role": role,
        "suspended": tenant.suspended_at is not None,
        "suspended_because": tenant.suspended_because or None,
        "created_at": tenant.created_at,
        "updated_at": tenant.updated_at,
        "etag": etag_of(tenant.id, tenant.version),
    }


def show_member(membership: Membership) -> dict[str, Any]:
    """Return a member; the account must have been read along."""
    user = membership.user
    return {
        "user_id": user.id,
        "email": user.email,
        "name": user.name,
        "role": membership.role,
        "created_at": membership.created_at,
    }


def show_invitation(invitation: Invitation) -> dict[str, Any]:
    """Return an invitation without its token, which is only in the letter."""
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "sent_at": invitation.sent_at,
        "expires_at": invitation.expires_at,
    }


def show_joined(joined: Joined) -> dict[str, Any]:
    """Return where somebody belongs now."""
    membership, user = joined.membership, joined.user
    return {"tenant": membership.tenant_id, "user_id": user.id, "email": user.email, "role": membership.role}
