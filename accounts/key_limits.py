"""What an API key is narrowed to, and the rule that a key which makes another hands on no more than it has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.actor import Actor
from accounts.models import ApiKey, User
from accounts.networks import NotANetwork, is_narrower, normalized
from accounts.permissions import USUAL_SCOPES, Scope
from dbaas.core.errors import FieldError, Forbidden, InvalidRequest

MAX_NETWORKS = 20


class KeyTooWide(Forbidden):
    """An API key can make only keys that are as narrow as itself: ask for no other scopes, tenant or networks, and for no later end."""

    code = "api_key.too_wide"


@dataclass(frozen=True, kw_only=True)
class KeyLimits:
    """What was asked for; what was left out is filled in by `limits_for`."""

    scopes: tuple[str, ...] | None = None
    tenant_id: UUID | None = None
    allowed_networks: tuple[str, ...] = ()
    expires_at: datetime | None = None

    def columns(self) -> dict[str, Any]:
        """Return the limits as columns of ApiKey."""
        return {
            "scopes": list(self.scopes or ()),
            "tenant_id": self.tenant_id,
            "allowed_networks": list(self.allowed_networks),
            "expires_at": self.expires_at,
        }

    def shown(self) -> dict[str, Any]:
        """Return the limits for the audit trail."""
        ends = self.expires_at.isoformat() if self.expires_at else None
        return {**self.columns(), "tenant_id": str(self.tenant_id) if self.tenant_id else None, "expires_at": ends}


USUAL = KeyLimits()
"""Nothing was asked for."""


def limits_for(actor: Actor, asked: KeyLimits, *, parent: ApiKey | None, now: datetime) -> KeyLimits:
    """Return the complete limits of a new key: the usual ones, or the parent's where it is made with a key.

    Raises: InvalidRequest — by field: no network, no tenant of the actor's, or an end in the past. KeyTooWide — the parent has less.
    """
    networks, problems = _networks(asked)
    problems += _problems_of_tenant(actor, asked)
    if asked.expires_at is not None and asked.expires_at <= now:
        problems.append(FieldError(field="expires_at", message="Must be in the future.", code="past"))
    if problems:
        raise InvalidRequest(errors=problems)
    usual = tuple(scope for scope in (parent.scopes if parent else USUAL_SCOPES) if scope != Scope.KEYS_WRITE)
    complete = KeyLimits(
        scopes=tuple(sorted(set(usual if asked.scopes is None else asked.scopes))),
        tenant_id=asked.tenant_id or (parent.tenant_id if parent else None),
        allowed_networks=tuple(networks or (parent.allowed_networks if parent else ())),
        expires_at=asked.expires_at or (parent.expires_at if parent else None),
    )
    if parent and not _fits(complete, parent):
        raise KeyTooWide
    return complete


def _fits(limits: KeyLimits, parent: ApiKey) -> bool:
    ends_in_time = parent.expires_at is None or (
        limits.expires_at is not None and limits.expires_at <= parent.expires_at
    )
    return (
        set(limits.scopes or ()) <= set(parent.scopes)
        and parent.tenant_id in (None, limits.tenant_id)
        and is_narrower(limits.allowed_networks, parent.allowed_networks)
        and ends_in_time
    )


def _networks(asked: KeyLimits) -> tuple[list[str], list[FieldError]]:
    networks, problems = [], []
    for index, text in enumerate(asked.allowed_networks):
        try:
            networks.append(normalized(text))
        except NotANetwork as error:
            problems.append(FieldError(field=f"allowed_networks.{index}", message=f"{error}.", code="no_network"))
    return networks, problems


def _problems_of_tenant(actor: Actor, asked: KeyLimits) -> list[FieldError]:
    if asked.tenant_id is None:
        return []
    if User.objects.filter(id=actor.user_id, memberships__tenant_id=asked.tenant_id).exists():
        return []
    return [FieldError(field="tenant", message="You belong to no such tenant.", code="unknown_tenant")]
