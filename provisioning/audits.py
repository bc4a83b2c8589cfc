"""Sums that must always agree, checked at night: a difference is our bug and is called out, never silently mended."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Sum

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.models import Database, Finding, Operation
from provisioning.settlement import needed_by, reserved
from tenants.models import Quota
from tenants.quota import Amounts

logger = logging.getLogger(__name__)

QUOTA = "quota"
"""`Finding.what`."""
KEYS_KEPT_FOR = timedelta(hours=72)
"""How long an Idempotency-Key protects from doing the same twice; docs/api.md promises it."""


def used_by_databases(tenant_id: UUID) -> Amounts:
    """Return what the tenant's databases hold together."""
    names = list(asdict(Amounts()))
    sums = Database.objects.filter(tenant_id=tenant_id).aggregate(**{name: Sum(f"reserved_{name}") for name in names})
    return Amounts(**{name: sums[name] or 0 for name in names})


def audit_all_quotas() -> list[UUID]:
    """Return the tenants whose quota does not fit what runs; each difference is logged, and kept as a finding until it is gone.

    Compared are the quota row with what the databases hold together, and what each database at rest holds with what it takes. (What it takes
    follows the cluster: see provisioning.drift.)
    """
    now = SYSTEM_CLOCK.now()
    wrong: list[UUID] = []
    for quota in Quota.objects.iterator():
        problems = {**_of_sum(quota), **_of_databases(quota.tenant_id)}
        for about, detail in problems.items():
            logger.error("quota of tenant %s does not fit, %s: %s", quota.tenant_id, about, detail)
            _keep(quota.tenant_id, about, detail, now)
        if problems:
            wrong.append(quota.tenant_id)
    Finding.objects.filter(what=QUOTA, closed_at=None, last_seen_at__lt=now).update(closed_at=now)
    return wrong


def _of_sum(quota: Quota) -> dict[str, str]:
    counted = used_by_databases(quota.tenant_id)
    written = Amounts(**{name: getattr(quota, f"used_{name}") for name in asdict(counted)})
    if counted == written:
        return {}
    return {f"tenant {quota.tenant_id}": f"The quota says {_told(written)}, the databases hold {_told(counted)}."}


def _of_databases(tenant_id: UUID) -> dict[str, str]:
    resting = Database.objects.filter(tenant_id=tenant_id, is_live=True, active_operation_id=None, reserved_databases=1)
    found: dict[str, str] = {}
    for database in resting.iterator():
        held, needed = reserved(database), needed_by(database)
        if held != needed:
            found[f"database {database.pk}"] = f"It holds {_told(held)} and takes {_told(needed)}."
    return found


def _told(amounts: Amounts) -> str:
    return ", ".join(f"{name} {amount}" for name, amount in asdict(amounts).items())


def _keep(tenant_id: UUID, about: str, detail: str, now: datetime) -> None:
    """Keep what does not fit where operators look; a tenant without any database has no cluster to keep it under, and only the log."""
    database = Database.objects.filter(tenant_id=tenant_id).order_by("-id").first()
    if database is None:
        return
    seen = {"detail": detail, "last_seen_at": now, "closed_at": None}
    Finding.objects.update_or_create(
        cluster_id=database.cluster_id,
        what=QUOTA,
        about=about,
        defaults=seen,
        create_defaults={**seen, "first_seen_at": now},
    )


def forget_old_keys(*, now: datetime) -> int:
    """Free the idempotency keys that are older than promised; returns how many."""
    old = Operation.objects.filter(created_at__lt=now - KEYS_KEPT_FOR, idempotency_key__isnull=False)
    return old.update(idempotency_key=None)
