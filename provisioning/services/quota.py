"""How a tenant stands with its quota: what runs, what operations under way have taken besides, and what is left."""

from dataclasses import asdict, dataclass
from uuid import UUID

from accounts.actor import Actor
from provisioning.backup_space import used_backup_gib
from provisioning.models import Database
from provisioning.settlement import needed_by, reserved
from provisioning.states import DatabaseState
from tenants.quota import RESOURCES, Amounts
from tenants.selectors import quota_of


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One resource."""

    limit: int
    used: int
    reserved: int
    """Taken by operations that are under way; becomes use when they succeed, and is given back when they do not."""

    @property
    def available(self) -> int:
        """Return what is left; nothing where an operator set the limit below the use."""
        return max(self.limit - self.used - self.reserved, 0)


def read_quota(actor: Actor, tenant_id: UUID) -> tuple[str, dict[str, Standing]]:
    """Return the name of the tenant's quota plan, and each resource.

    Raises: TenantNotFound.
    """
    quota = quota_of(actor, tenant_id)
    under_way = asdict(_taken_by_operations(tenant_id))
    standings = {
        name: Standing(
            limit=getattr(quota, f"max_{name}"),
            used=max(getattr(quota, f"used_{name}") - under_way[name], 0),
            reserved=under_way[name],
        )
        for name in RESOURCES
    }
    backups = Standing(limit=quota.max_backup_gib, used=used_backup_gib(tenant_id), reserved=0)
    return quota.plan, {**standings, "backup_gib": backups}


def _taken_by_operations(tenant_id: UUID) -> Amounts:
    """Return what databases in change hold beyond what they needed before."""
    changing = Database.objects.filter(tenant_id=tenant_id, reserved_databases=1).exclude(active_operation_id=None)
    total = Amounts()
    for database in changing:
        is_new = database.previous_state == DatabaseState.REQUESTED
        before = Amounts() if is_new else needed_by(database)
        total += (reserved(database) - before).above_zero()
    return total
