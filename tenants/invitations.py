"""Invite people by e-mail. Whoever opens the letter proves that the address is theirs, and nobody learns whether it has an account.

An invitation is used up by one conditional update; the token itself is only in the letter, the table holds its SHA-256.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.db.models import QuerySet

from accounts import audit, people
from accounts.actor import Actor, Credential, Origin, Via, actor_of
from accounts.models import User, normalized_email
from accounts.permissions import Permission, Role, allows
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, Forbidden, NotFound
from dbaas.core.mail import send_mail
from tenants import members
from tenants.access import TenantSuspended, require
from tenants.models import Invitation, Membership, Tenant

VALID_FOR = timedelta(days=7)
MAX_OPEN = 100
"""Per tenant; more are a way to send mail to strangers."""
_RESENT_AFTER = timedelta(minutes=1)


class InvitationNotFound(NotFound):
    """The tenant has no such open invitation: list them with GET /api/v1/tenants/{id}/invitations."""

    code = "invitation.not_found"


class InvitationInvalid(NotFound):
    """The invitation was used, withdrawn or replaced, or its time is up: ask for another one."""

    code = "invitation.invalid"


class AlreadyInvited(Conflict):
    """The address has an open invitation: send it again, or withdraw it first."""

    code = "invitation.exists"


class TooManyInvitations(Conflict):
    """The tenant has 100 open invitations: withdraw some first."""

    code = "invitation.too_many"


class SentJustNow(Conflict):
    """The invitation was sent less than a minute ago: wait as long as Retry-After says."""

    code = "invitation.sent_just_now"


class OtherAddress(Forbidden):
    """The invitation went to another address than your account's: log in with that one."""

    code = "invitation.other_address"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """What came of an invitation."""

    membership: Membership
    user: User


def invitations_of(actor: Actor, tenant_id: UUID) -> QuerySet[Invitation]:
    """Return the open invitations, those whose time is up among them.

    Raises: TenantNotFound, Forbidden.
    """
    require(actor, tenant_id, Permission.INVITATIONS_READ)
    return Invitation.objects.filter(tenant_id=tenant_id, is_open=True)


def invite(actor: Actor, tenant_id: UUID, *, email: str, role: Role, clock: Clock = SYSTEM_CLOCK) -> Invitation:
    """Send a letter with which its reader joins the tenant. The answer is the same whether the address has an account or not.

    Raises: TenantNotFound, Forbidden, TenantSuspended. AlreadyMember, AlreadyInvited, TooManyInvitations.
    """
    require(actor, tenant_id, members.needed_to_give(role))
    address, now, token = normalized_email(email), clock.now(), secrets.token_urlsafe(32)
    if Membership.objects.filter(tenant_id=tenant_id, user__email=address).exists():
        raise members.AlreadyMember
    if Invitation.objects.filter(tenant_id=tenant_id, is_open=True).count() >= MAX_OPEN:
        raise TooManyInvitations
    try:
        with atomic():
            invitation = Invitation.objects.create(
                tenant_id=tenant_id,
                email=address,
                role=role,
                invited_by=actor.user_id,
                token_hash=_hash(token),
                expires_at=now + VALID_FOR,
                created_at=now,
            )
            _record(actor, "invitation.created", invitation, role=role)
    except IntegrityError as error:
        raise AlreadyInvited from error
    return _sent(invitation, token, now=now)


def send_again(actor: Actor, tenant_id: UUID, invitation_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> Invitation:
    """Send a new letter, for another seven days; the one before is worth nothing any more.

    Raises: TenantNotFound, Forbidden, TenantSuspended. InvitationNotFound. SentJustNow.
    """
    invitation = _open(actor, tenant_id, invitation_id)
    now, token = clock.now(), secrets.token_urlsafe(32)
    if invitation.sent_at is not None and now - invitation.sent_at < _RESENT_AFTER:
        raise SentJustNow(retry_after=_RESENT_AFTER)
    with atomic():
        unchanged = Invitation.objects.filter(id=invitation.id, is_open=True, token_hash=invitation.token_hash)
        if not unchanged.update(token_hash=_hash(token), expires_at=now + VALID_FOR, invited_by=actor.user_id):
            raise SentJustNow(retry_after=_RESENT_AFTER)
        _record(actor, "invitation.sent_again", invitation)
    invitation.refresh_from_db()
    return _sent(invitation, token, now=now)


def withdraw(actor: Actor, tenant_id: UUID, invitation_id: UUID) -> None:
    """End an open invitation.

    Raises: TenantNotFound, Forbidden, TenantSuspended. InvitationNotFound.
    """
    invitation = _open(actor, tenant_id, invitation_id)
    with atomic():
        if not Invitation.objects.filter(id=invitation.id, is_open=True).update(is_open=False):
            raise InvitationNotFound
        _record(actor, "invitation.withdrawn", invitation)


def accept(actor: Actor, user: User, *, token: str, clock: Clock = SYSTEM_CLOCK) -> Joined:
    """Join with the account that one has.

    Raises: InvitationInvalid, OtherAddress, AlreadyMember, TenantSuspended.
    """
    with atomic():
        invitation = _used_up(token, now=clock.now())
        if invitation.email != user.email:
            raise OtherAddress
        return _joined(actor, invitation, user)


def register(*, token: str, password: str, name: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> Joined:
    """Make an account for the address that the invitation went to, and join.

    Raises: InvitationInvalid, TenantSuspended. InvalidRequest — the password is too weak. EmailTaken — log in and accept instead.
    """
    with atomic():
        invitation = _used_up(token, now=clock.now())
        user = people.register(email=invitation.email, password=password, name=name, origin=origin, is_invited=True)
        return _joined(actor_of(user, origin, Credential(via=Via.SESSION)), invitation, user)


def _open(actor: Actor, tenant_id: UUID, invitation_id: UUID) -> Invitation:
    require(actor, tenant_id, Permission.MEMBERS_MANAGE)
    invitation = Invitation.objects.filter(tenant_id=tenant_id, id=invitation_id, is_open=True).first()
    if invitation is None:
        raise InvitationNotFound
    require(actor, tenant_id, members.needed_to_give(Role(invitation.role)))
    return invitation


def _used_up(token: str, *, now: datetime) -> Invitation:
    """Use the invitation up; whoever changes the row goes on, and a rollback opens it again."""
    found = Invitation.objects.filter(token_hash=_hash(token))
    if not found.filter(is_open=True, expires_at__gt=now).update(is_open=False, accepted_at=now):
        raise InvitationInvalid
    return found.select_related("tenant").get()


def _joined(actor: Actor, invitation: Invitation, user: User) -> Joined:
    if invitation.tenant.suspended_at is not None:
        raise TenantSuspended
    if not _may_still_invite(invitation):
        raise InvitationInvalid
    membership = members.admit(actor, invitation.tenant_id, user, role=Role(invitation.role))
    return Joined(membership=membership, user=user)


def _may_still_invite(invitation: Invitation) -> bool:
    """Tell whether who invited still could: somebody who was removed must not come back by a letter of their own."""
    inviter = Membership.objects.filter(tenant_id=invitation.tenant_id, user_id=invitation.invited_by)
    role = inviter.values_list("role", flat=True).first()
    return role is not None and allows(Role(role), members.needed_to_give(Role(invitation.role)))


def _sent(invitation: Invitation, token: str, *, now: datetime) -> Invitation:
    tenant = Tenant.objects.get(id=invitation.tenant_id)
    is_sent = send_mail(to=invitation.email, subject=f"Join {tenant.name}", body=_letter(tenant, invitation, token))
    invitation.sent_at = now if is_sent else None
    Invitation.objects.filter(id=invitation.id).update(sent_at=invitation.sent_at)
    return invitation


def _letter(tenant: Tenant, invitation: Invitation, token: str) -> str:
    ends = invitation.expires_at.strftime("%d %B %Y, %H:%M UTC")
    return (
        f'You are invited to the tenant "{tenant.name}" at {settings.PUBLIC_URL}, with the role {invitation.role}.\n\n'
        f"Your invitation, good for one use until {ends}:\n\n    {token}\n\n"
        "With an account for this address, log in and send it to\n"
        f"    POST {settings.PUBLIC_URL}/api/v1/invitations/accept\n"
        "Without one, send it with the password that you choose to\n"
        f"    POST {settings.PUBLIC_URL}/api/v1/invitations/register\n\n"
        "If you did not expect this letter, do nothing: without you it comes to nothing.\n"
    )


def _record(actor: Actor, action: str, invitation: Invitation, **detail: str) -> None:
    audit.record(
        actor,
        action=action,
        object_type="invitation",
        object_id=invitation.id,
        tenant_id=invitation.tenant_id,
        detail={"email": invitation.email, **detail},
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
