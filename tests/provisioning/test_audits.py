"""That sums which must agree are compared, and that old idempotency keys are freed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from provisioning.audits import KEYS_KEPT_FOR, audit_all_quotas, forget_old_keys, used_by_databases
from provisioning.models import Database, Finding, Operation
from tenants.models import Quota, Tenant
from tests.provisioning.rows import at_rest

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]


def test_that_orders_and_quota_agree(ordered: Ordered, shop: Tenant) -> None:
    ordered("a")
    at_rest(ordered("b", "redis"))

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
    finding = Finding.objects.get(what="quota")
    assert (finding.about, finding.closed_at) == (f"tenant {shop.id}", None)


def test_that_a_database_which_holds_other_than_it_takes_is_called_out(ordered: Ordered, shop: Tenant) -> None:
    database = at_rest(ordered())
    Database.objects.filter(pk=database.pk).update(storage_gib=F("storage_gib") + 5)

    assert audit_all_quotas() == [shop.id]
    assert Finding.objects.get(what="quota").about == f"database {database.pk}"


def test_that_a_finding_is_closed_once_all_fits_again(ordered: Ordered) -> None:
    ordered()
    Quota.objects.update(used_memory_mib=F("used_memory_mib") + 1)
    audit_all_quotas()
    Quota.objects.update(used_memory_mib=F("used_memory_mib") - 1)

    assert audit_all_quotas() == []
    assert Finding.objects.get(what="quota").closed_at is not None


def test_that_a_tenant_without_databases_is_called_out_in_the_log_alone(
    shop: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    Quota.objects.update(used_databases=1)

    assert audit_all_quotas() == [shop.id]
    assert str(shop.id) in caplog.text
    assert not Finding.objects.exists()


def test_that_a_tenant_without_databases_uses_nothing(shop: Tenant) -> None:
    assert used_by_databases(shop.id).databases == 0


def test_that_keys_are_freed_when_their_time_is_over(ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.update(idempotency_key="k1")

    early = forget_old_keys(now=operation.created_at + KEYS_KEPT_FOR)
    late = forget_old_keys(now=operation.created_at + KEYS_KEPT_FOR + timedelta(seconds=1))

    assert (early, late) == (0, 1)
    assert Operation.objects.get().idempotency_key is None
