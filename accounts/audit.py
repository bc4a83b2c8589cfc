"""Write the audit trail. Reading it is a query on AuditEvent; changing it is impossible."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from accounts.actor import Actor, Origin, Via
from accounts.models import AuditEvent

ALLOWED = "allowed"
REFUSED = "refused"
FAILED = "failed"
LOGIN_REFUSED = "session.refused"


def record(
    actor: Actor,
    *,
    action: str,
    object_type: str,
    object_id: object,
    tenant_id: UUID | None = None,
    outcome: str = ALLOWED,
    detail: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Store that `actor` did, or tried, `action`; in the caller's transaction if one is open. `detail` must hold no secret."""
    return AuditEvent.objects.create(
        actor_id=actor.user_id,
        actor_email=actor.email,
        via=actor.via,
        credential_id=actor.credential_id,
        tenant_id=tenant_id,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        outcome=outcome,
        address=actor.address,
        request_id=actor.request_id,
        detail=dict(detail or {}),
    )


def record_refused_login(*, user_id: UUID | None, email: str, origin: Origin) -> None:
    """Store that a log-in failed."""
    record_of_stranger(action=LOGIN_REFUSED, user_id=user_id, email=email, origin=origin, outcome=REFUSED)


def record_of_stranger(
    *, action: str, user_id: UUID | None, email: str, origin: Origin, outcome: str = ALLOWED
) -> None:
    """Store that somebody who has not proved who they are did something in this person's name, or under an address that nobody has."""
    AuditEvent.objects.create(
        actor_id=user_id,
        actor_email=email,
        via=Via.SESSION,
        action=action,
        object_type="user",
        object_id=str(user_id or ""),
        outcome=outcome,
        address=origin.address,
        request_id=origin.request_id,
    )


def record_of_system(
    *,
    action: str,
    object_type: str,
    object_id: object,
    detail: Mapping[str, Any],
    tenant_id: UUID | None = None,
) -> None:
    """Store that the product itself did something that nobody asked for at that moment."""
    AuditEvent.objects.create(
        via=Via.SYSTEM,
        tenant_id=tenant_id,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        outcome=ALLOWED,
        detail=dict(detail),
    )
