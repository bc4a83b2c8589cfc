from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from dbaas.core.db import atomic
from dbaas.core.ids import uuid7
from tenants.models import Quota, Tenant
from tenants.quota import Amounts, QuotaBroken, QuotaExceeded, release, reserve
from tests.cast import person, tenant_of

SMALL = Amounts(databases=1, cpu_millicores=500, memory_mib=1024, storage_gib=10)
_amounts = st.builds(
    Amounts,
    databases=st.integers(-9, 9),
    cpu_millicores=st.integers(-9, 9),
    memory_mib=st.integers(-9, 9),
    storage_gib=st.integers(-9, 9),
)


def _used(tenant: Tenant) -> Amounts:
    quota = Quota.objects.get(tenant=tenant)
    return Amounts(
        databases=quota.used_databases,
        cpu_millicores=quota.used_cpu_millicores,
        memory_mib=quota.used_memory_mib,
        storage_gib=quota.used_storage_gib,
    )


def test_what_was_reserved_and_released_is_nothing(
    shop: Tenant, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        reserve(shop.id, SMALL)
    assert _used(shop) == SMALL

    with django_assert_num_queries(1):
        release(shop.id, SMALL)
    assert _used(shop) == Amounts()


def test_the_limit_itself_may_be_reached_and_not_passed(shop: Tenant) -> None:
    reserve(shop.id, Amounts(storage_gib=1000))

    with pytest.raises(QuotaExceeded):
        reserve(shop.id, Amounts(storage_gib=1))


def test_all_is_reserved_or_nothing(shop: Tenant) -> None:
    with pytest.raises(QuotaExceeded):
        reserve(shop.id, Amounts(databases=1, memory_mib=65_537))

    assert _used(shop) == Amounts()


def test_a_refusal_names_what_is_exceeded_and_by_how_much(shop: Tenant) -> None:
    reserve(shop.id, Amounts(databases=9, storage_gib=995))

    with pytest.raises(QuotaExceeded, match="storage_gib: 10 asked, 995 of 1000 in use") as caught:
        reserve(shop.id, SMALL)

    assert caught.value.extra["exceeded"] == [{"resource": "storage_gib", "limit": 1000, "used": 995, "asked": 10}]


def test_a_limit_below_the_use_blocks_only_that_resource(shop: Tenant) -> None:
    reserve(shop.id, Amounts(databases=5))
    Quota.objects.filter(tenant=shop).update(max_databases=3)

    reserve(shop.id, Amounts(storage_gib=1))

    with pytest.raises(QuotaExceeded):
        reserve(shop.id, Amounts(databases=1))


def test_more_than_was_taken_cannot_be_given_back(shop: Tenant) -> None:
    reserve(shop.id, SMALL)

    with pytest.raises(QuotaBroken):
        release(shop.id, Amounts(databases=1, storage_gib=11))

    assert _used(shop) == SMALL


@pytest.mark.parametrize("call", [reserve, release])
def test_negative_amounts_are_a_mistake(shop: Tenant, call: Callable[[object, Amounts], None]) -> None:
    with pytest.raises(ValueError, match="negative"):
        call(shop.id, Amounts(databases=1, storage_gib=-1))


@pytest.mark.parametrize("call", [reserve, release])
def test_nothing_costs_nothing(
    shop: Tenant, call: Callable[[object, Amounts], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        call(shop.id, Amounts())


@pytest.mark.django_db
def test_a_tenant_without_a_quota_row_is_our_mistake() -> None:
    with pytest.raises(QuotaBroken):
        reserve(uuid7(), SMALL)


def test_a_reservation_is_undone_with_the_transaction_that_made_it(shop: Tenant) -> None:
    def accept() -> None:
        with atomic():
            reserve(shop.id, SMALL)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        accept()

    assert _used(shop) == Amounts()


@given(before=_amounts, after=_amounts)
def test_growing_and_shrinking_parts_add_up_to_the_difference(before: Amounts, after: Amounts) -> None:
    assert before + (after - before).above_zero() - (before - after).above_zero() == after


def test_many_who_reserve_at_once_get_exactly_the_limit(
    at_once: Callable[[list[Callable[[], int]]], list[int | Exception]],
) -> None:
    tenant = tenant_of(person("alice"))

    def five_times() -> int:
        granted = 0
        for _ in range(5):
            try:
                with atomic():
                    reserve(tenant.id, Amounts(databases=1))
                granted += 1
            except QuotaExceeded:
                continue
        return granted

    outcomes = at_once([five_times] * 8)

    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sum(outcome for outcome in outcomes if isinstance(outcome, int)) == 10
    assert _used(tenant) == Amounts(databases=10)
