"""Sums that must always agree, checked at night: a difference is our bug and is called out, never silently mended."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Sum

from provisioning.models import Database, Operation
from tenants.models import Quota
from tenants.quota import Amounts

logger = logging.getLogger(__name__)

KEYS_KEPT_FOR = timedelta(hours=72)
"""How long an Idempotency-Key protects from doing the same twice; docs/api.md promises it."""


def used_by_databases(tenant_id: UUID) -> Amounts:
    """Return what the tenant's databases hold together."""
    names = list(asdict(Amounts()))
    sums = Database.objects.filter(tenant_id=tenant_id).aggregate(**{name: Sum(f"reserved_{name}") for name in names})
    return Amounts(**{name: sums[name] or 0 for name in names})


def audit_all_quotas() -> list[UUID]:
    """Return the tenants whose quota row and databases disagree, and log each as an error."""
    wrong: list[UUID] = []
    for quota in Quota.objects.iterator():
        counted = used_by_databases(quota.tenant_id)
        written = Amounts(**{name: getattr(quota, f"used_{name}") for name in asdict(counted)})
        if counted != written:
            logger.error("quota of tenant %s says %s, its databases hold %s", quota.tenant_id, written, counted)
            wrong.append(quota.tenant_id)
    return wrong


def forget_old_keys(*, now: datetime) -> int:
    """Free the idempotency keys that are older than promised; returns how many."""
    old = Operation.objects.filter(created_at__lt=now - KEYS_KEPT_FOR, idempotency_key__isnull=False)
    return old.update(idempotency_key=None)
