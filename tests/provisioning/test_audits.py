"""That sums which must agree are compared, and that old idempotency keys are freed."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from provisioning.audits import KEYS_KEPT_FOR, audit_all_quotas, forget_old_keys, used_by_databases
from provisioning.models import Operation
from tenants.models import Quota, Tenant

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]


def test_that_orders_and_quota_agree(ordered: Ordered, shop: Tenant) -> None:
    ordered("a")
    ordered("b", "redis")

    assert audit_all_quotas() == []
    assert used_by_databases(shop.id).databases == 2


def test_that_a_difference_is_called_out_and_not_mended(
    ordered: Ordered, shop: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    ordered()
    Quota.objects.update(used_memory_mib=1)

    assert audit_all_quotas() == [shop.id]
    assert str(shop.id) in caplog.text
    assert Quota.objects.get(tenant=shop).used_memory_mib == 1


def test_that_a_tenant_without_databases_uses_nothing(shop: Tenant) -> None:
    assert used_by_databases(shop.id).databases == 0


def test_that_keys_are_freed_when_their_time_is_over(ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.update(idempotency_key="k1")

    early = forget_old_keys(now=operation.created_at + KEYS_KEPT_FOR)
    late = forget_old_keys(now=operation.created_at + KEYS_KEPT_FOR + timedelta(seconds=1))

    assert (early, late) == (0, 1)
    assert Operation.objects.get().idempotency_key is None
