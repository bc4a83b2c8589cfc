import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from dbaas.core.errors import Stale
from tenants import services
from tenants.models import Membership, Quota, Tenant
from tenants.quota_plans import LIMITS, QUOTA_PLANS
from tests.cast import acting


def test_a_new_tenant_has_an_owner_a_quota_and_a_namespace(alice: User) -> None:
    tenant = services.create(acting(alice), name="shop", display_name="The shop")

    assert (tenant.namespace, tenant.display_name, tenant.version) == ("dbaas-shop", "The shop", 1)
    assert Membership.objects.get(tenant=tenant).role == Role.OWNER
    quota: dict[str, object] = dict(Quota.objects.values().get(tenant=tenant))
    assert quota["plan"] == "standard"
    assert {name: quota[name] for name in LIMITS} == QUOTA_PLANS["standard"]


def test_a_taken_name_leaves_nothing_behind(alice: User, bob: User) -> None:
    services.create(acting(alice), name="shop")

    with pytest.raises(services.TenantNameTaken):
        services.create(acting(bob), name="shop")

    assert not Membership.objects.filter(user=bob).exists()
    assert AuditEvent.objects.filter(action="tenant.created").count() == 1


@given(st.from_regex(r"\A[a-z0-9][a-z0-9-]{1,61}[a-z0-9]\Z"))
def test_every_name_gives_a_namespace_that_kubernetes_takes(name: str) -> None:
    namespace = services.namespace_for(name)

    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace)
    assert namespace.startswith("dbaas-")


def test_long_names_that_begin_alike_have_different_namespaces() -> None:
    names = ["x" * 62 + end for end in "abc"]

    assert len({services.namespace_for(name) for name in names}) == 3


def test_a_change_of_a_version_that_is_past_is_refused(shop: Tenant, alice: User) -> None:
    services.rename(acting(alice), shop.id, display_name="First", expected_version=1)

    with pytest.raises(Stale):
        services.rename(acting(alice), shop.id, display_name="Second", expected_version=1)

    assert Tenant.objects.get(id=shop.id).display_name == "First"
