"""Take and give back what a tenant may use, without a lock and without a race.

One conditional UPDATE decides: whoever reads, compares and then writes lets two requests through at once. Call both functions inside the
transaction that writes the database row, last in it (the quota row is the hottest of all).
"""

from dataclasses import asdict, dataclass, fields
from typing import Self
from uuid import UUID

from django.db.models import F

from dbaas.core.errors import Unprocessable
from tenants.models import Quota

_ATTEMPTS = 3
"""Only spent when somebody gave back just what was missing, between our UPDATE and the look at the reason for its refusal."""


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """So much of each resource; differences may be negative."""

    databases: int = 0
    cpu_millicores: int = 0
    memory_mib: int = 0
    storage_gib: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(**{name: amount + getattr(other, name) for name, amount in asdict(self).items()})

    def __sub__(self, other: Self) -> Self:
        return type(self)(**{name: amount - getattr(other, name) for name, amount in asdict(self).items()})

    def above_zero(self) -> Self:
        """Return the positive parts only: of `new - old` that is what growing must reserve, of `old - new` what shrinking gives back."""
        return type(self)(**{name: max(amount, 0) for name, amount in asdict(self).items()})

    def asked(self) -> dict[str, int]:
        """Return what is not zero, by resource.

        Raises: ValueError — an amount is negative, which would turn taking into giving.
        """
        asked = {name: amount for name, amount in asdict(self).items() if amount}
        if any(amount < 0 for amount in asked.values()):
            raise ValueError(f"Amounts to reserve or release must not be negative: {asked}.")
        return asked


RESOURCES = tuple(field.name for field in fields(Amounts))


class QuotaExceeded(Unprocessable):
    """The tenant's quota does not allow this: delete or shrink something, or ask the operator of this service for more."""

    code = "quota.exceeded"


class QuotaBroken(RuntimeError):
    """More was given back than was ever taken, or the tenant has no quota row: our bug."""


def reserve(tenant_id: UUID, amounts: Amounts) -> None:
    """Take all of these amounts, or none.

    Raises: QuotaExceeded — names each resource with its limit, use and what was asked. QuotaBroken — the tenant has no quota row.
    """
    asked = amounts.asked()
    fits = {f"used_{name}__lte": F(f"max_{name}") - amount for name, amount in asked.items()}
    taken = {f"used_{name}": F(f"used_{name}") + amount for name, amount in asked.items()}
    if not asked:
        return
    for _ in range(_ATTEMPTS):
        if Quota.objects.filter(tenant_id=tenant_id, **fits).update(**taken):
            return
        if exceeded := _exceeded(tenant_id, asked):
            break
    raise QuotaExceeded(_explained(exceeded), extra={"exceeded": exceeded})


def release(tenant_id: UUID, amounts: Amounts) -> None:
    """Give these amounts back.

    Raises: QuotaBroken — less than that was taken; nothing is changed.
    """
    given = amounts.asked()
    enough = {f"used_{name}__gte": amount for name, amount in given.items()}
    less = {f"used_{name}": F(f"used_{name}") - amount for name, amount in given.items()}
    if given and not Quota.objects.filter(tenant_id=tenant_id, **enough).update(**less):
        raise QuotaBroken(f"Tenant {tenant_id} cannot give back {given}.")


def _exceeded(tenant_id: UUID, asked: dict[str, int]) -> list[dict[str, str | int]]:
    quota = Quota.objects.filter(tenant_id=tenant_id).first()
    if quota is None:
        raise QuotaBroken(f"Tenant {tenant_id} has no quota row.")
    found: list[dict[str, str | int]] = []
    for name, amount in asked.items():
        limit, used = getattr(quota, f"max_{name}"), getattr(quota, f"used_{name}")
        if used + amount > limit:
            found.append({"resource": name, "limit": limit, "used": used, "asked": amount})
    return found


def _explained(exceeded: list[dict[str, str | int]]) -> str:
    sentences = [
        f"{item['resource']}: {item['asked']} asked, {item['used']} of {item['limit']} in use" for item in exceeded
    ]
    return f"The quota does not allow this ({'; '.join(sentences)}). Delete or shrink something, or ask the operator for more."
