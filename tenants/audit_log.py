"""What admins of a tenant may see of the audit trail: a filtered list, and all of it as an export."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.models import AuditEvent
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from tenants.access import require

_CHUNK = 500
"""Events that one query of an export reads; between two of them nothing is held open."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events; what is left empty does not matter."""

    actor: str = ""
    """An e-mail address, or the id of a person or an API key."""
    action: str = ""
    """A whole action, or how it begins: `database` means all of `database.*`."""
    object_type: str = ""
    object_id: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


def audit_log_of(actor: Actor, tenant_id: UUID, wanted: Wanted) -> QuerySet[AuditEvent]:
    """Return what was done in the tenant, as far as it is wanted.

    Raises: TenantNotFound, Forbidden.
    """
    require(actor, tenant_id, Permission.AUDIT_READ)
    return AuditEvent.objects.filter(_filter(wanted), tenant_id=tenant_id)


def export(actor: Actor, tenant_id: UUID, wanted: Wanted, *, clock: Clock = SYSTEM_CLOCK) -> Iterator[AuditEvent]:
    """Return the same, oldest first and up to this moment, read piece by piece while somebody takes it; the export itself goes on record.

    Raises: TenantNotFound, Forbidden — before anything is read.
    """
    events = audit_log_of(actor, tenant_id, wanted).filter(at__lte=clock.now())
    told = {name: str(value) for name, value in asdict(wanted).items() if value}
    audit.record(
        actor,
        action="audit_log.exported",
        object_type="tenant",
        object_id=tenant_id,
        tenant_id=tenant_id,
        detail={"filters": told},
    )
    return _in_pieces(events)


def _in_pieces(events: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    piece = list(events.order_by("id")[:_CHUNK])
    while piece:
        yield from piece
        piece = list(events.filter(id__gt=piece[-1].id).order_by("id")[:_CHUNK])


def _filter(wanted: Wanted) -> Q:
    exact = {
        "object_type": wanted.object_type,
        "object_id": wanted.object_id,
        "outcome": wanted.outcome,
        "at__gte": wanted.since,
        "at__lte": wanted.until,
    }
    condition = Q(**{name: value for name, value in exact.items() if value})
    if wanted.action:
        condition &= Q(action=wanted.action) | Q(action__startswith=wanted.action.rstrip(".") + ".")
    return condition & _by_actor(wanted.actor) if wanted.actor else condition


def _by_actor(text: str) -> Q:
    try:
        identifier = UUID(text)
    except ValueError:
        return Q(actor_email=text.lower())
    return Q(actor_id=identifier) | Q(credential_id=identifier)
