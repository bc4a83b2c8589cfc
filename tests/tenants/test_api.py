import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.permissions import Role
from dbaas.core.ids import uuid7
from tenants.models import Tenant
from tests.cast import Api, body_of, join, problem, tenant_of

_FIELDS = {
    "id",
    "name",
    "display_name",
    "namespace",
    "role",
    "suspended",
    "suspended_because",
    "created_at",
    "updated_at",
    "etag",
}


def test_whoever_makes_a_tenant_owns_it(api: Api, alice: User) -> None:
    response = api.by(alice).post("tenants", {"name": "shop", "display_name": "The shop"})

    made = body_of(response)
    assert (response.status_code, made["role"], set(made)) == (201, "owner", _FIELDS)
    assert body_of(api.by(alice).get(response["Location"])) == made


@pytest.mark.parametrize("name", ["ab", "x" * 64, "Shop", "shop-", "-shop", "sh op", "sh_op", "läden"])
def test_a_name_that_cannot_be_a_namespace_is_refused(api: Api, alice: User, name: str) -> None:
    response = api.by(alice).post("tenants", {"name": name})

    assert problem(response) == (400, "request.invalid")
    assert {error["field"] for error in body_of(response)["errors"]} == {"name"}


def test_a_taken_name_is_a_conflict(api: Api, shop: Tenant, charlie: User) -> None:
    assert problem(api.by(charlie).post("tenants", {"name": shop.name})) == (409, "tenant.name_taken")


def test_a_list_shows_each_caller_their_own_role(api: Api, shop: Tenant, alice: User, bob: User, charlie: User) -> None:
    tenant_of(bob, "bobs")

    listed = {user.name: body_of(api.by(user).get("tenants"))["items"] for user in (alice, bob, charlie)}

    assert [(item["name"], item["role"]) for item in listed["Alice"]] == [(shop.name, "owner")]
    assert {(item["name"], item["role"]) for item in listed["Bob"]} == {("bobs", "owner"), ("shop", "viewer")}
    assert listed["Charlie"] == []


def test_reading_a_tenant_costs_one_query(
    api: Api, shop: Tenant, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api.by(bob)

    with django_assert_num_queries(2):
        response = client.get(f"tenants/{shop.id}")

    assert body_of(response)["role"] == "viewer"


def test_an_unchanged_tenant_is_not_sent_again(api: Api, shop: Tenant, bob: User) -> None:
    etag = api.by(bob).get(f"tenants/{shop.id}")["ETag"]

    response = api.by(bob).with_headers(If_None_Match=etag).get(f"tenants/{shop.id}")

    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)


def test_a_change_gives_a_new_etag_and_the_old_one_is_stale(api: Api, shop: Tenant, alice: User) -> None:
    before = api.by(alice).get(f"tenants/{shop.id}")["ETag"]
    client = api.by(alice).with_headers(If_Match=before)

    changed = client.patch(f"tenants/{shop.id}", {"display_name": "First"})
    stale = client.patch(f"tenants/{shop.id}", {"display_name": "Second"})

    assert body_of(changed)["display_name"] == "First"
    assert changed["ETag"] == body_of(changed)["etag"] != before
    assert problem(stale) == (412, "object.stale")


def test_a_change_without_an_etag_is_made(api: Api, shop: Tenant, alice: User) -> None:
    assert api.by(alice).patch(f"tenants/{shop.id}", {"display_name": "Any"}).status_code == 200


def test_the_name_itself_does_not_change(api: Api, shop: Tenant, alice: User) -> None:
    api.by(alice).patch(f"tenants/{shop.id}", {"display_name": "x", "name": "other", "namespace": "kube-system"})

    stored = Tenant.objects.get(id=shop.id)
    assert (stored.name, stored.namespace) == ("shop", "dbaas-shop")


def test_a_suspended_tenant_says_so_and_refuses_changes(api: Api, shop: Tenant, alice: User) -> None:
    Tenant.objects.filter(id=shop.id).update(suspended_at=timezone.now())

    assert body_of(api.by(alice).get(f"tenants/{shop.id}"))["suspended"] is True
    assert problem(api.by(alice).patch(f"tenants/{shop.id}", {"display_name": "x"})) == (403, "tenant.suspended")


def test_members_are_listed_changed_and_removed(api: Api, shop: Tenant, alice: User, charlie: User) -> None:
    client, path = api.by(alice), f"tenants/{shop.id}/members"
    join(alice, shop, charlie, Role.DEVELOPER)

    changed = client.patch(f"{path}/{charlie.id}", {"role": "admin"})
    listed = body_of(client.get(path))["items"]
    removed = client.delete(f"{path}/{charlie.id}")

    assert body_of(changed)["role"] == "admin"
    assert {(item["email"], item["role"]) for item in listed} == {
        ("alice@example.com", "owner"),
        ("bob@example.com", "viewer"),
        ("charlie@example.com", "admin"),
    }
    assert (removed.status_code, len(body_of(client.get(path))["items"])) == (204, 2)


def test_a_list_of_members_costs_the_same_for_many(
    api: Api, shop: Tenant, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        join(alice, shop, User.objects.create_user(f"member{number}@example.com"), Role.VIEWER)

    with django_assert_num_queries(3):
        api.by(alice).get(f"tenants/{shop.id}/members")


@pytest.mark.parametrize(
    ("body", "field"), [({"email": "bob@example.com", "role": "king"}, "role"), ({"role": "viewer"}, "email")]
)
def test_a_wrong_member_is_an_error_of_its_field(
    api: Api, shop: Tenant, alice: User, body: dict[str, str], field: str
) -> None:
    response = api.by(alice).post(f"tenants/{shop.id}/invitations", body)

    assert [error["field"] for error in body_of(response)["errors"]] == [field]


def test_conflicts_and_unknown_people_have_their_codes(api: Api, shop: Tenant, alice: User) -> None:
    client, path = api.by(alice), f"tenants/{shop.id}/members"

    assert problem(client.delete(f"{path}/{alice.id}")) == (409, "tenant.last_owner")
    assert problem(client.patch(f"{path}/{uuid7()}", {"role": "admin"})) == (404, "member.not_found")


def _routes(tenant: Tenant, user: User) -> list[tuple[str, str, dict[str, str] | None]]:
    base = f"tenants/{tenant.id}"
    return [
        ("get", base, None),
        ("patch", base, {"display_name": "x"}),
        ("get", f"{base}/quota", None),
        ("get", f"{base}/audit-log", None),
        ("get", f"{base}/members", None),
        ("post", f"{base}/invitations", {"email": user.email, "role": "viewer"}),
        ("patch", f"{base}/members/{user.id}", {"role": "admin"}),
        ("delete", f"{base}/members/{user.id}", None),
    ]


def _call(api: Api, method: str, path: str, body: dict[str, str] | None) -> tuple[int, str]:
    return problem(getattr(api, method)(path, body) if body else getattr(api, method)(path))


def test_a_stranger_finds_nothing_whatever_they_try(api: Api, shop: Tenant, charlie: User, bob: User) -> None:
    answers = {_call(api.by(charlie), *route) for route in _routes(shop, bob)}

    assert answers == {(404, "tenant.not_found")}


def test_nobody_gets_in_without_credentials(api: Api, shop: Tenant, bob: User) -> None:
    answers = {
        _call(api, *route)
        for route in [*_routes(shop, bob), ("get", "tenants", None), ("post", "tenants", {"name": "x"})]
    }

    assert answers == {(401, "auth.required")}


def test_a_viewer_changes_nothing(api: Api, shop: Tenant, alice: User, bob: User) -> None:
    refused = [route for route in _routes(shop, alice) if route[0] != "get" or route[1].endswith("audit-log")]

    answers = {_call(api.by(bob), *route) for route in refused}

    assert answers == {(403, "permission.denied")}


def test_an_id_that_is_none_leads_nowhere(api: Api, alice: User) -> None:
    assert problem(api.by(alice).get("tenants/not-an-id")) == (404, "route.not_found")
