"""That members make, read, change and remove webhooks over HTTP, that the secret is shown once, and that nobody else sees any of it."""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from tenants.models import Tenant
from tests.cast import Api, body_of, join, problem
from tests.webhooks.cast import URL, webhook_of
from webhooks.models import Endpoint


def make(api: Api, tenant: Tenant, **fields: Any) -> Any:
    return api.post(f"tenants/{tenant.id}/webhooks", {"url": URL, "events": ["operation.*"], **fields})


def test_that_a_webhook_is_made_and_its_secret_shown_once(api: Api, alice: User, shop: Tenant) -> None:
    made = make(api.by(alice), shop, description="On-call")

    shown = body_of(made)
    read = api.by(alice).get(made["Location"])
    assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
    assert shown["secret"].startswith("whsec_")
    assert (shown["url"], shown["events"], shown["enabled"]) == (URL, ["operation.*"], True)
    assert body_of(read) == {name: value for name, value in shown.items() if name != "secret"}
    assert made["ETag"] == read["ETag"] == shown["etag"]


def test_that_the_secret_is_not_in_the_table(api: Api, alice: User, shop: Tenant) -> None:
    secret = body_of(make(api.by(alice), shop))["secret"]

    row = Endpoint.objects.filter(tenant=shop).values()[0]

    assert secret not in str(row)
    assert secret.removeprefix("whsec_") not in str(row)
    assert row["secret"].startswith("v1.")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "http://hooks.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "x" * 1001}, "url"),
        ({"events": []}, "events"),
        ({"events": ["operation.exploded"]}, "events.0"),
        ({"events": ["*"] * 31}, "events"),
        ({"description": "x" * 201}, "description"),
    ],
)
def test_that_what_is_wrong_is_told_by_field(
    api: Api, alice: User, shop: Tenant, fields: dict[str, Any], field: str
) -> None:
    refused = make(api.by(alice), shop, **fields)

    assert refused.status_code == 400
    assert [error["field"] for error in body_of(refused)["errors"]] == [field]


def test_that_a_tenant_has_so_many_webhooks_at_most(api: Api, alice: User, shop: Tenant, settings: Any) -> None:
    settings.WEBHOOKS_PER_TENANT = 1
    make(api.by(alice), shop)

    refused = make(api.by(alice), shop)

    assert problem(refused) == (409, "webhook.too_many")
    assert body_of(refused)["limit"] == 1


def test_that_the_list_is_the_tenant_s_own(api: Api, alice: User, charlie: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)

    listed = api.by(alice).get(f"tenants/{shop.id}/webhooks")

    assert [item["id"] for item in body_of(listed)["items"]] == [str(webhook.id)]
    assert problem(api.by(charlie).get(f"tenants/{shop.id}/webhooks")) == (404, "tenant.not_found")


@pytest.mark.parametrize(("role", "reads", "writes"), [(Role.VIEWER, 403, 403), (Role.DEVELOPER, 200, 403)])
def test_that_roles_decide(
    api: Api, alice: User, charlie: User, shop: Tenant, role: Role, reads: int, writes: int
) -> None:
    webhook, _ = webhook_of(alice, shop)
    join(alice, shop, charlie, role)
    path = f"tenants/{shop.id}/webhooks/{webhook.id}"

    assert api.by(charlie).get(path).status_code == reads
    assert make(api.by(charlie), shop).status_code == writes
    assert api.by(charlie).patch(path, {"events": ["*"]}).status_code == writes
    assert api.by(charlie).delete(path).status_code == writes
    assert api.by(charlie).post(f"{path}/rotate-secret").status_code == writes
    assert api.by(charlie).post(f"{path}/test").status_code == writes


def test_that_a_webhook_of_another_tenant_is_not_found(api: Api, alice: User, charlie: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)
    other = body_of(api.by(charlie).post("tenants", {"name": "other"}))["id"]

    found = api.by(charlie).get(f"tenants/{other}/webhooks/{webhook.id}")

    assert problem(found) == (404, "webhook.not_found")


def test_that_what_may_change_changes(api: Api, alice: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)
    path = f"tenants/{shop.id}/webhooks/{webhook.id}"

    changed = api.by(alice).patch(path, {"events": ["backup.*", "backup.*"], "description": "Night shift"})

    assert changed.status_code == 200
    assert body_of(changed)["events"] == ["backup.*"]
    assert body_of(changed)["description"] == "Night shift"
    assert body_of(changed)["url"] == URL


def test_that_a_stale_change_is_refused(api: Api, alice: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)
    path = f"tenants/{shop.id}/webhooks/{webhook.id}"
    etag = api.by(alice).get(path)["ETag"]
    api.by(alice).patch(path, {"description": "first"})

    refused = api.by(alice).with_headers(If_Match=etag).patch(path, {"description": "second"})
    accepted = (
        api.by(alice).with_headers(If_Match=api.by(alice).get(path)["ETag"]).patch(path, {"description": "third"})
    )

    assert problem(refused) == (412, "object.stale")
    assert accepted.status_code == 200


def test_that_a_new_url_is_checked_like_the_first(api: Api, alice: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)

    refused = api.by(alice).patch(f"tenants/{shop.id}/webhooks/{webhook.id}", {"url": "https://169.254.169.254/"})

    assert problem(refused) == (400, "webhook.url_refused")


def test_that_a_removed_webhook_is_gone(api: Api, alice: User, shop: Tenant) -> None:
    webhook, _ = webhook_of(alice, shop)
    path = f"tenants/{shop.id}/webhooks/{webhook.id}"

    removed = api.by(alice).delete(path)

    assert removed.status_code == 204
    assert problem(api.by(alice).get(path)) == (404, "webhook.not_found")


def test_that_a_new_secret_is_shown_once(api: Api, alice: User, shop: Tenant) -> None:
    webhook, secret = webhook_of(alice, shop)
    path = f"tenants/{shop.id}/webhooks/{webhook.id}"

    rotated = api.by(alice).post(f"{path}/rotate-secret")

    assert rotated.status_code == 200
    assert rotated["Cache-Control"] == "no-store"
    assert body_of(rotated)["secret"] not in (secret, "")
    assert body_of(rotated)["old_secret_until"] is not None
    assert "secret" not in body_of(api.by(alice).get(path))


def test_that_every_change_is_on_record_without_secrets_or_paths(api: Api, alice: User, shop: Tenant) -> None:
    made = body_of(make(api.by(alice), shop, url=f"{URL}/token-in-the-path"))
    path = f"tenants/{shop.id}/webhooks/{made['id']}"
    rotated = body_of(api.by(alice).post(f"{path}/rotate-secret"))
    api.by(alice).patch(path, {"enabled": False})
    api.by(alice).delete(path)

    rows = AuditEvent.objects.filter(tenant_id=shop.id, object_type="webhook").order_by("pk")

    assert [row.action for row in rows] == [
        "webhook.created",
        "webhook.secret_rotated",
        "webhook.changed",
        "webhook.removed",
    ]
    told = str([row.detail for row in rows])
    assert not any(secret in told for secret in (made["secret"], rotated["secret"], "token-in-the-path"))
