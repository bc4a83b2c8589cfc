from dataclasses import replace

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from accounts.permissions import RULES, Permission, Role
from dbaas.api.errors import ScopeMissing
from dbaas.core.errors import Forbidden, Rejected
from dbaas.core.ids import uuid7
from tenants.access import TenantNotFound, TenantSuspended, require, role_in, tenants_of
from tenants.models import Tenant
from tests.cast import acting, tenant_of


def test_each_member_has_a_role_and_strangers_have_none(shop: Tenant, alice: User, bob: User, charlie: User) -> None:
    assert [role_in(acting(user), shop.id) for user in (alice, bob, charlie)] == [Role.OWNER, Role.VIEWER, None]


@pytest.mark.parametrize("permission", Permission)
def test_a_stranger_cannot_tell_a_tenant_from_none(shop: Tenant, charlie: User, permission: Permission) -> None:
    for tenant_id in (shop.id, uuid7()):
        with pytest.raises(TenantNotFound):
            require(acting(charlie), tenant_id, permission)


def test_too_small_a_role_is_told_which_one_it_takes(shop: Tenant, bob: User) -> None:
    with pytest.raises(Forbidden, match="this needs developer") as caught:
        require(acting(bob), shop.id, Permission.DATABASES_WRITE)

    assert caught.value.extra == {"role_needed": "developer"}


@pytest.mark.parametrize("permission", Permission)
def test_a_suspended_tenant_lets_even_its_owner_only_read(shop: Tenant, alice: User, permission: Permission) -> None:
    Tenant.objects.filter(id=shop.id).update(suspended_at=timezone.now())

    if RULES[permission].while_suspended:
        assert require(acting(alice), shop.id, permission) == Role.OWNER
        return
    with pytest.raises(TenantSuspended):
        require(acting(alice), shop.id, permission)


def test_the_question_costs_one_query(
    shop: Tenant, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        require(acting(alice), shop.id, Permission.OWNERS_MANAGE)


def test_people_see_their_own_tenants_and_operators_no_more(shop: Tenant, alice: User, charlie: User) -> None:
    User.objects.filter(id=charlie.id).update(is_staff=True)
    other = tenant_of(charlie, "other")

    assert set(tenants_of(acting(alice))) == {shop}
    assert set(tenants_of(acting(User.objects.get(id=charlie.id)))) == {other}


def test_a_members_refusal_is_on_record_and_a_strangers_is_not(shop: Tenant, bob: User, charlie: User) -> None:
    for user in (bob, charlie):
        with pytest.raises(Rejected):
            require(acting(user), shop.id, Permission.DATABASES_WRITE)

    event = AuditEvent.objects.get(action="permission.refused")
    assert (event.actor_id, event.tenant_id, event.outcome) == (bob.id, shop.id, "refused")
    assert event.detail == {"permission": "databases.write", "code": "permission.denied"}


def test_a_key_without_the_scope_is_refused_even_past_the_view(shop: Tenant, alice: User) -> None:
    narrow = replace(acting(alice), scopes=frozenset({"databases:read"}))

    with pytest.raises(ScopeMissing) as caught:
        require(narrow, shop.id, Permission.DATABASES_WRITE)

    assert caught.value.extra == {"scope_needed": "databases:write"}
