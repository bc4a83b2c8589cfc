"""Tests that an API key has what it was given and no more, whatever it makes or asks for."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from accounts import api_keys
from accounts.actor import Actor, Origin, actor_of
from accounts.key_limits import KeyLimits, KeyTooWide
from accounts.models import ApiKey, AuditEvent, User
from accounts.permissions import USUAL_SCOPES, Scope
from dbaas.api.errors import NetworkForbidden, ScopeMissing
from dbaas.core.clock import SYSTEM_CLOCK
from tenants.models import Tenant
from tests.cast import Api, acting, body_of, problem, tenant_of

pytestmark = pytest.mark.django_db
HERE = Origin(address="192.0.2.1")
MAKER = (Scope.KEYS_WRITE, Scope.KEYS_READ, Scope.DATABASES_READ)


def with_key(user: User, **limits: Any) -> Actor:
    key, _ = api_keys.create(acting(user), name="parent", limits=KeyLimits(**limits))
    return actor_of(user, HERE, api_keys.credential_of(key))


def test_a_key_has_the_scopes_tenant_networks_and_end_that_were_asked_for(api: Api, alice: User, shop: Tenant) -> None:
    asked = {
        "name": "ci",
        "scopes": ["databases:read"],
        "tenant": str(shop.id),
        "allowed_networks": ["198.51.100.7", "2001:DB8::/32"],
        "expires_at": "2999-01-01T00:00:00.000Z",
    }

    made = body_of(api.by(alice).post("auth/api-keys", asked))

    assert {name: made[name] for name in asked} == {**asked, "allowed_networks": ["198.51.100.7/32", "2001:db8::/32"]}


def test_a_key_that_names_no_scopes_has_the_usual_ones(api: Api, alice: User) -> None:
    made = body_of(api.by(alice).post("auth/api-keys", {"name": "ci"}))

    assert set(made["scopes"]) == set(USUAL_SCOPES)


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("scopes", [], "scopes"),
        ("scopes", ["everything"], "scopes.0"),
        ("allowed_networks", ["192.0.2.1/24"], "allowed_networks.0"),
        ("allowed_networks", ["192.0.2.0/24"] * 21, "allowed_networks"),
        ("tenant", str(UUID(int=7)), "tenant"),
    ],
)
def test_limits_that_cannot_be_are_refused_by_field(
    api: Api, alice: User, field: str, value: object, path: str
) -> None:
    response = api.by(alice).post("auth/api-keys", {"name": "ci", field: value})

    assert problem(response) == (400, "request.invalid")
    assert [error["field"] for error in body_of(response)["errors"]] == [path]


def test_a_key_cannot_be_bound_to_somebody_elses_tenant(api: Api, charlie: User, shop: Tenant) -> None:
    response = api.by(charlie).post("auth/api-keys", {"name": "ci", "tenant": str(shop.id)})

    assert body_of(response)["errors"][0]["code"] == "unknown_tenant"


def test_a_key_opens_only_what_its_scopes_say(api: Api, alice: User) -> None:
    _, text = api_keys.create(acting(alice), name="reader", limits=KeyLimits(scopes=(Scope.DATABASES_READ,)))
    client = api.with_headers(X_API_Key=text)

    refused = client.post("databases", {})

    assert client.get("databases").status_code == 200
    assert problem(refused) == (403, "api_key.scope_missing")
    assert body_of(refused)["scope_needed"] == "databases:write"


def test_a_bound_key_sees_one_tenant_and_makes_none(api: Api, alice: User, shop: Tenant) -> None:
    other = tenant_of(alice, "other")
    _, text = api_keys.create(acting(alice), name="bound", limits=KeyLimits(tenant_id=shop.id))
    client = api.with_headers(X_API_Key=text)

    assert [item["id"] for item in body_of(client.get("tenants"))["items"]] == [str(shop.id)]
    assert problem(client.get(f"tenants/{other.id}")) == (404, "tenant.not_found")
    assert problem(client.get(f"tenants/{other.id}/quota")) == (404, "tenant.not_found")
    assert problem(client.post("tenants", {"name": "third"})) == (403, "api_key.bound_to_tenant")


def test_a_key_is_refused_from_other_networks_and_that_is_on_record_once_a_minute(alice: User) -> None:
    limits = KeyLimits(allowed_networks=("198.51.100.0/24",))
    _, text = api_keys.create(acting(alice), name="office", limits=limits)

    for _ in range(2):
        with pytest.raises(NetworkForbidden):
            api_keys.authenticated(text, origin=HERE)

    assert api_keys.authenticated(text, origin=Origin(address="198.51.100.9"))
    event = AuditEvent.objects.get(action="api_key.refused")
    assert (event.outcome, event.address) == ("refused", HERE.address)


def test_the_last_use_is_noted_with_its_address(alice: User) -> None:
    key, text = api_keys.create(acting(alice), name="ci")

    api_keys.authenticated(text, origin=HERE)

    assert ApiKey.objects.get(id=key.id).last_used_address == HERE.address


def test_what_a_key_makes_is_as_narrow_as_itself(alice: User, shop: Tenant) -> None:
    ends = SYSTEM_CLOCK.now() + timedelta(days=1)
    networks = ("192.0.2.0/24",)
    parent = with_key(alice, scopes=MAKER, tenant_id=shop.id, allowed_networks=networks, expires_at=ends)

    child, _ = api_keys.create(parent, name="child")

    assert set(child.scopes) == {Scope.KEYS_READ, Scope.DATABASES_READ}
    assert (child.tenant_id, child.allowed_networks, child.expires_at) == (shop.id, list(networks), ends)


def test_a_key_makes_narrower_keys(alice: User, shop: Tenant) -> None:
    parent = with_key(alice, scopes=MAKER)
    asked = KeyLimits(scopes=(Scope.DATABASES_READ,), tenant_id=shop.id, allowed_networks=("192.0.2.7/32",))

    child, _ = api_keys.create(parent, name="child", limits=asked)

    assert (child.scopes, child.tenant_id) == ([Scope.DATABASES_READ], shop.id)


def test_a_key_makes_no_wider_key(alice: User, shop: Tenant) -> None:
    ends = SYSTEM_CLOCK.now() + timedelta(days=1)
    other = tenant_of(alice, "other")
    parent = with_key(alice, scopes=MAKER, tenant_id=shop.id, allowed_networks=("192.0.2.0/24",), expires_at=ends)
    wider = [
        KeyLimits(scopes=(Scope.CREDENTIALS_READ,)),
        KeyLimits(tenant_id=other.id),
        KeyLimits(allowed_networks=("192.0.0.0/16",)),
        KeyLimits(expires_at=ends + timedelta(seconds=1)),
    ]

    for limits in wider:
        with pytest.raises(KeyTooWide):
            api_keys.create(parent, name="child", limits=limits)


def test_a_key_without_the_scope_makes_none_even_past_the_view(alice: User) -> None:
    parent = with_key(alice)

    with pytest.raises(ScopeMissing):
        api_keys.create(parent, name="child")


def test_a_bound_key_neither_sees_nor_revokes_its_owners_other_keys(alice: User, shop: Tenant) -> None:
    free, _ = api_keys.create(acting(alice), name="free")
    bound = with_key(alice, scopes=MAKER, tenant_id=shop.id)

    assert [key.name for key in api_keys.keys_of(bound)] == ["parent"]
    with pytest.raises(api_keys.ApiKeyNotFound):
        api_keys.revoke(bound, free.id)


@pytest.mark.parametrize("is_operator", [False, True])
def test_revoking_a_key_revokes_what_was_made_with_it(alice: User, bob: User, is_operator: bool) -> None:
    parent = with_key(alice, scopes=MAKER)
    child, _ = api_keys.create(parent, name="child", limits=KeyLimits(scopes=MAKER))
    grandchild, text = api_keys.create(actor_of(alice, HERE, api_keys.credential_of(child)), name="grandchild")
    assert parent.credential_id

    if is_operator:
        assert api_keys.revoke_as_operator(acting(bob), [parent.credential_id]) == 1
    else:
        api_keys.revoke(acting(alice), parent.credential_id)

    assert ApiKey.objects.filter(revoked_at=None).count() == 0
    assert AuditEvent.objects.filter(action="api_key.revoked", object_id=str(grandchild.id)).exists()
    with pytest.raises(api_keys.ApiKeyInvalid):
        api_keys.authenticated(text, origin=HERE)


def test_a_key_that_was_revoked_this_moment_makes_no_other(alice: User) -> None:
    parent = with_key(alice, scopes=MAKER)
    assert parent.credential_id
    api_keys.revoke(acting(alice), parent.credential_id)

    with pytest.raises(api_keys.ApiKeyInvalid):
        api_keys.create(parent, name="child")

    assert not ApiKey.objects.filter(name="child").exists()


def test_an_operator_revokes_what_is_live_and_counts_no_more(alice: User, bob: User) -> None:
    key, _ = api_keys.create(acting(alice), name="ci")

    assert api_keys.revoke_as_operator(acting(bob), [key.id, key.id]) == 1
