"""What operators decide about tenants, each with a reason that stays on record: suspend and resume them, and change how much they may use."""

from collections.abc import Mapping
from uuid import UUID

from django.db.models import F

from accounts import audit
from accounts.actor import Actor
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from tenants.models import Quota, Tenant
from tenants.quota_plans import LIMITS, QUOTA_PLANS

LONGEST_REASON = 500


def suspend(actor: Actor, tenant_id: UUID, *, reason: str, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Let members only read from now on; databases run on, and operations that were accepted go on to their end.

    Returns False where the tenant is suspended already; nothing is changed then.
    """
    now = clock.now()
    with atomic():
        going = Tenant.objects.filter(id=tenant_id, suspended_at=None)
        if not going.update(
            suspended_at=now, suspended_because=reason[:LONGEST_REASON], version=F("version") + 1, updated_at=now
        ):
            return False
        _record(actor, "tenant.suspended", tenant_id, reason=reason)
    return True


def resume(actor: Actor, tenant_id: UUID, *, reason: str, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Let members change things again; False where the tenant is not suspended."""
    with atomic():
        suspended = Tenant.objects.filter(id=tenant_id).exclude(suspended_at=None)
        if not suspended.update(
            suspended_at=None, suspended_because="", version=F("version") + 1, updated_at=clock.now()
        ):
            return False
        _record(actor, "tenant.resumed", tenant_id, reason=reason)
    return True


def change_quota(actor: Actor, tenant_id: UUID, *, plan: str, limits: Mapping[str, int], reason: str) -> None:
    """Set the limits: those of the plan where it is another one than before, else those given. A limit below the use takes nothing away."""
    before = Quota.objects.values("plan", *LIMITS).get(tenant_id=tenant_id)
    wanted = {name: limits[name] for name in LIMITS}
    after = {"plan": plan, **(QUOTA_PLANS[plan] if plan != before["plan"] else wanted)}
    with atomic():
        Quota.objects.filter(tenant_id=tenant_id).update(**after)
        _record(actor, "tenant.quota_changed", tenant_id, reason=reason, before=before, after=after)


def _record(actor: Actor, action: str, tenant_id: UUID, *, reason: str, **detail: object) -> None:
    audit.record(
        actor,
        action=action,
        object_type="tenant",
        object_id=tenant_id,
        tenant_id=tenant_id,
        detail={"reason": reason[:LONGEST_REASON], **detail},
    )
