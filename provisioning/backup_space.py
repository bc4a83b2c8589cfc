"""How much room a tenant's backups take, and the refusal of more. A size is known only afterwards, so the last backup may go over the limit.

Copies that schedules, restores and deletions take are never refused: a quota must not be what a database was lost to.
"""

from uuid import UUID

from django.db.models import Sum

from provisioning.models import Backup
from provisioning.sizes import GIB
from tenants.models import Quota
from tenants.quota import QuotaExceeded


def used_backup_gib(tenant_id: UUID) -> int:
    """Return what the tenant's kept backups take together, in whole GiB, rounded up."""
    kept = Backup.objects.filter(tenant_id=tenant_id).exclude(state="deleted")
    return -(-(kept.aggregate(total=Sum("size_bytes"))["total"] or 0) // GIB)


def require_backup_space(tenant_id: UUID) -> None:
    """Let a backup be asked for.

    Raises: QuotaExceeded — those that are kept fill the quota already.
    """
    used, limit = used_backup_gib(tenant_id), Quota.objects.values_list("max_backup_gib", flat=True).get(pk=tenant_id)
    if used >= limit:
        exceeded = {"resource": "backup_gib", "limit": limit, "used": used, "asked": 1}
        message = f"Backups take {used} of {limit} GiB. Delete some, or ask the operator for more."
        raise QuotaExceeded(message, extra={"exceeded": [exceeded]})
