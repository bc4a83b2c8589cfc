"""Tests that no list, filter, cursor or idempotency key leads from one tenant into another."""

from typing import Any

import pytest

from accounts.models import User
from accounts.permissions import Role
from provisioning.models import Operation
from tests.cast import Api, body_of, problem
from tests.isolation.estate import Estate, estate

LISTS = ("tenants", "databases", "backups", "operations", "auth/api-keys")


@pytest.fixture
def theirs(charlie: User, shop: Estate) -> Estate:
    """Charlie's tenant, which has what alice's has."""
    made = estate(charlie, "theirs")
    for owned in (made, shop):
        assert owned.backup, "a database and a backup of it"
    return made


def _text(client: Api, path: str, **query: Any) -> str:
    response = client.get(path, **query)
    assert response.status_code == 200, response.content
    return response.content.decode()


@pytest.mark.parametrize("path", LISTS)
def test_a_list_holds_nothing_of_other_tenants(api: Api, shop: Estate, theirs: Estate, path: str) -> None:
    text = _text(api.by(theirs.owner), path)

    for foreign in (shop.tenant.id, shop.database.id, shop.backup.id, shop.owner.id):
        assert str(foreign) not in text


@pytest.mark.parametrize("path", ["databases", "backups", "operations"])
def test_a_filter_by_a_foreign_tenant_finds_nothing(api: Api, shop: Estate, theirs: Estate, path: str) -> None:
    client = api.by(theirs.owner)

    assert body_of(client.get(path, tenant=str(shop.tenant.id)))["items"] == []
    assert body_of(client.get(path, tenant=str(theirs.tenant.id)))["items"] != []


@pytest.mark.parametrize("path", ["backups", "operations"])
def test_a_filter_by_a_foreign_database_finds_nothing(api: Api, shop: Estate, theirs: Estate, path: str) -> None:
    client = api.by(theirs.owner)

    assert body_of(client.get(path, database=str(shop.database.id)))["items"] == []
    assert body_of(client.get(path, database=str(theirs.database.id)))["items"] != []


@pytest.mark.parametrize(
    "query",
    [
        {"tenant__name": "shop"},
        {"tenant_id": "{shop}"},
        {"is_live": "false"},
        {"tenant__memberships__user_id": "{alice}"},
        {"user_id": "{alice}"},
    ],
)
@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_that_the_api_does_not_know_widens_nothing(
    api: Api, shop: Estate, theirs: Estate, path: str, query: dict[str, str]
) -> None:
    filled = {
        name: value.format(shop=shop.tenant.id, alice=shop.owner.id) if "{" in value else value
        for name, value in query.items()
    }

    assert str(shop.tenant.id) not in _text(api.by(theirs.owner), path, **filled)
    assert str(shop.database.id) not in _text(api.by(theirs.owner), path, **filled)


@pytest.mark.parametrize("path", ["databases", "operations"])
def test_a_cursor_of_another_tenants_shows_nothing_of_theirs(api: Api, shop: Estate, theirs: Estate, path: str) -> None:
    assert shop.paused, "a second row, so that there is a next page"
    cursor = body_of(api.by(shop.owner).get(path, limit=1))["next_cursor"]
    assert cursor

    text = _text(api.by(theirs.owner), path, limit=1, cursor=cursor)

    assert str(shop.tenant.id) not in text
    assert str(shop.database.id) not in text


def test_the_key_of_another_tenants_request_replays_nothing(api: Api, shop: Estate, theirs: Estate) -> None:
    order = {"name": "new", "engine": "postgres"}
    key = "one-key-for-all"

    first = (
        api.by(shop.owner).with_headers(Idempotency_Key=key).post("databases", {**order, "tenant": str(shop.tenant.id)})
    )
    second = (
        api.by(theirs.owner)
        .with_headers(Idempotency_Key=key)
        .post("databases", {**order, "tenant": str(theirs.tenant.id)})
    )
    stolen = (
        api.by(theirs.owner)
        .with_headers(Idempotency_Key=key)
        .post("databases", {**order, "tenant": str(shop.tenant.id)})
    )

    assert (first.status_code, second.status_code) == (202, 202)
    assert "Idempotency-Replayed" not in second
    assert body_of(first)["id"] != body_of(second)["id"]
    assert problem(stolen) == (404, "tenant.not_found")
    assert Operation.objects.filter(idempotency_key=key).count() == 2


def test_a_member_of_both_sees_each_by_its_own_role(api: Api, shop: Estate, theirs: Estate) -> None:
    shop.admit(theirs.owner, Role.VIEWER)
    client = api.by(theirs.owner)

    seen = {item["tenant"] for item in body_of(client.get("databases"))["items"]}

    assert seen == {str(shop.tenant.id), str(theirs.tenant.id)}
    assert problem(client.post(f"databases/{shop.database.id}/restart")) == (403, "permission.denied")
    assert client.post(f"databases/{theirs.database.id}/restart").status_code == 202
