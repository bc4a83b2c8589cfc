from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from tenants.admin import TenantAdmin
from tenants.models import Membership, Quota, Tenant
from tenants.quota import Amounts, reserve
from tests.cast import PASSWORD


@pytest.fixture
def admin(db: None) -> Client:
    """The admin as an operator sees it."""
    del db
    client = Client()
    client.force_login(User.objects.create_superuser("operator@example.com", PASSWORD))
    return client


def _form(**limits: int) -> dict[str, str | int]:
    quota = {
        "max_databases": 10,
        "max_cpu_millicores": 32_000,
        "max_memory_mib": 65_536,
        "max_storage_gib": 1_000,
        **limits,
    }
    formset = {"quota-TOTAL_FORMS": 1, "quota-INITIAL_FORMS": 1, "quota-MIN_NUM_FORMS": 0, "quota-MAX_NUM_FORMS": 1}
    return {**formset, **{f"quota-0-{name}": value for name, value in quota.items()}}


@pytest.mark.parametrize("model", ["tenant", "membership"])
def test_lists_and_objects_open(admin: Client, shop: Tenant, model: str) -> None:
    shown = shop.id if model == "tenant" else Membership.objects.filter(tenant=shop)[0].id

    listed = admin.get(f"/admin/tenants/{model}/", {"q": "shop"})
    opened = admin.get(f"/admin/tenants/{model}/{shown}/change/")

    assert (listed.status_code, opened.status_code) == (200, 200)
    assert b"shop" in listed.content


def test_an_operator_changes_limits_and_names_and_clients_notice(admin: Client, shop: Tenant) -> None:
    form = {**_form(max_databases=25), "display_name": "New", "quota-0-tenant": str(shop.id)}

    response = admin.post(f"/admin/tenants/tenant/{shop.id}/change/", form)

    stored = Tenant.objects.get(id=shop.id)
    assert response.status_code == 302, response.content
    assert (stored.display_name, stored.version) == ("New", 2)
    assert Quota.objects.get(tenant=shop).max_databases == 25


def test_changing_limits_keeps_what_is_reserved_meanwhile(
    admin: Client, shop: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = TenantAdmin.save_model

    def somebody_reserves_first(*args: Any) -> None:
        reserve(shop.id, Amounts(databases=4))
        save(*args)

    monkeypatch.setattr(TenantAdmin, "save_model", somebody_reserves_first)

    admin.post(f"/admin/tenants/tenant/{shop.id}/change/", {**_form(max_databases=5), "quota-0-tenant": str(shop.id)})

    quota = Quota.objects.get(tenant=shop)
    assert (quota.max_databases, quota.used_databases) == (5, 4)


def test_tenants_can_be_suspended_and_resumed(admin: Client, shop: Tenant) -> None:
    admin.post("/admin/tenants/tenant/", {"action": "suspend", "_selected_action": [str(shop.id)]})
    suspended_at = Tenant.objects.get(id=shop.id).suspended_at
    admin.post("/admin/tenants/tenant/", {"action": "resume", "_selected_action": [str(shop.id)]})

    assert suspended_at is not None
    assert Tenant.objects.get(id=shop.id).suspended_at is None
    assert set(
        AuditEvent.objects.filter(tenant_id=shop.id, actor_email="operator@example.com").values_list(
            "action", flat=True
        )
    ) == {
        "tenant.suspended",
        "tenant.resumed",
    }


def test_tenants_and_members_are_neither_added_nor_deleted_here(admin: Client, shop: Tenant) -> None:
    answers = [
        admin.get("/admin/tenants/tenant/add/").status_code,
        admin.post(f"/admin/tenants/tenant/{shop.id}/delete/", {"post": "yes"}).status_code,
        admin.get("/admin/tenants/membership/add/").status_code,
    ]

    assert answers == [403, 403, 403]
