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


def _form(**limits: int | str) -> dict[str, str | int]:
    quota: dict[str, int | str] = {
        "max_databases": 10,
        "max_cpu_millicores": 32_000,
        "max_memory_mib": 65_536,
        "max_storage_gib": 1_000,
        "max_backup_gib": 1_000,
        "plan": "standard",
        "reason": "They asked for it.",
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


def _decide(admin: Client, tenant: Tenant, action: str, **reason: str) -> Any:
    return admin.post(
        "/admin/tenants/tenant/", {"action": action, "_selected_action": [str(tenant.id)], **reason}, follow=True
    )


def test_tenants_are_suspended_and_resumed_with_a_reason(admin: Client, shop: Tenant) -> None:
    _decide(admin, shop, "suspend", reason="unpaid since May")
    suspended = Tenant.objects.get(id=shop.id)
    _decide(admin, shop, "resume", reason="paid")

    resumed = Tenant.objects.get(id=shop.id)
    assert suspended.suspended_at is not None
    assert (suspended.suspended_because, suspended.version) == ("unpaid since May", 2)
    assert (resumed.suspended_at, resumed.suspended_because, resumed.version) == (None, "", 3)
    events = AuditEvent.objects.filter(tenant_id=shop.id, actor_email="operator@example.com")
    assert {(event.action, event.detail["reason"]) for event in events} == {
        ("tenant.suspended", "unpaid since May"),
        ("tenant.resumed", "paid"),
    }


@pytest.mark.parametrize("reason", [{}, {"reason": "  "}])
def test_a_reason_is_asked_for(admin: Client, shop: Tenant, reason: dict[str, str]) -> None:
    page = _decide(admin, shop, "suspend", **reason)

    assert b'name="reason"' in page.content
    assert (b"A reason is needed" in page.content) == bool(reason)
    assert Tenant.objects.get(id=shop.id).suspended_at is None


@pytest.mark.parametrize("action", ["suspend", "resume"])
def test_a_decision_that_was_taken_already_changes_nothing(admin: Client, shop: Tenant, action: str) -> None:
    if action == "suspend":
        _decide(admin, shop, "suspend", reason="first")
    before = Tenant.objects.get(id=shop.id)

    page = _decide(admin, shop, action, reason="again")

    after = Tenant.objects.get(id=shop.id)
    assert b"Changed: none." in page.content
    assert (after.version, after.suspended_because) == (before.version, before.suspended_because)


def test_a_quota_is_not_changed_without_a_reason(admin: Client, shop: Tenant) -> None:
    form = {**_form(max_databases=25, reason=""), "quota-0-tenant": str(shop.id)}

    response = admin.post(f"/admin/tenants/tenant/{shop.id}/change/", form)

    assert b"Say why the quota is changed." in response.content
    assert Quota.objects.get(tenant=shop).max_databases == 10


def test_a_name_is_changed_without_a_reason(admin: Client, shop: Tenant) -> None:
    form = {**_form(reason=""), "quota-0-tenant": str(shop.id), "display_name": "New"}

    response = admin.post(f"/admin/tenants/tenant/{shop.id}/change/", form)

    assert response.status_code == 302
    assert not AuditEvent.objects.filter(action="tenant.quota_changed").exists()


def test_another_plan_brings_its_limits_and_before_and_after_are_on_record(admin: Client, shop: Tenant) -> None:
    form = {**_form(plan="trial"), "quota-0-tenant": str(shop.id)}

    admin.post(f"/admin/tenants/tenant/{shop.id}/change/", form)

    quota = Quota.objects.get(tenant=shop)
    detail = AuditEvent.objects.get(action="tenant.quota_changed").detail
    assert (quota.plan, quota.max_databases, quota.max_backup_gib) == ("trial", 2, 50)
    assert detail["reason"] == "They asked for it."
    assert (detail["before"]["plan"], detail["before"]["max_databases"]) == ("standard", 10)
    assert (detail["after"]["plan"], detail["after"]["max_databases"]) == ("trial", 2)


def test_tenants_and_members_are_neither_added_nor_deleted_here(admin: Client, shop: Tenant) -> None:
    answers = [
        admin.get("/admin/tenants/tenant/add/").status_code,
        admin.post(f"/admin/tenants/tenant/{shop.id}/delete/", {"post": "yes"}).status_code,
        admin.get("/admin/tenants/membership/add/").status_code,
    ]

    assert answers == [403, 403, 403]
