"""How objects of this application look in answers: plain dictionaries, by hand, because a serializer costs a hundred times as much."""

from dataclasses import asdict
from typing import Any

from accounts.models import ApiKey, AuditEvent, User
from accounts.sessions import TokenPair
from accounts.trail.chain import content_of


def show_user(user: User) -> dict[str, Any]:
    """Return an account."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "is_operator": user.is_staff,
        "created_at": user.created_at,
    }


def show_pair(pair: TokenPair) -> dict[str, Any]:
    """Return a session's tokens."""
    return asdict(pair)


def show_api_key(key: ApiKey) -> dict[str, Any]:
    """Return a key without its secret, which is not stored."""
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "tenant": key.tenant_id,
        "allowed_networks": key.allowed_networks,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "last_used_address": key.last_used_address or None,
        "created_at": key.created_at,
    }


def show_audit_event(event: AuditEvent) -> dict[str, Any]:
    """Return an entry of the audit log: exactly what its digest covers, and the digest."""
    seal = None if event.position is None else {"position": event.position, "digest": event.digest}
    return {**content_of(event), "seal": seal}
