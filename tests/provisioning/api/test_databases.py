"""That databases can be ordered, listed, read, changed and deleted over HTTP, and that bad input is answered with what to change."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse

from accounts.models import User
from provisioning.models import Database, Operation
from tenants.models import Quota, Tenant
from tests.cast import Api, body_of

pytestmark = pytest.mark.usefixtures("nowhere")

URL = "/api/v1/databases"


def order(api: Api, tenant: Tenant, *, key: str | None = None, **fields: Any) -> HttpResponse:
    caller = api.with_headers(Idempotency_Key=key) if key else api
    return caller.post(URL, {"tenant": str(tenant.id), "name": "orders", "engine": "postgres", **fields})


def test_that_tenant_name_and_engine_are_enough(api: Api, alice: User, shop: Tenant) -> None:
    answer = order(api.by(alice), shop)

    operation = body_of(answer)
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/v1/operations/{operation['id']}"
    assert answer["Retry-After"] == "2"
    assert (operation["kind"], operation["state"], operation["progress"]) == ("provision", "queued", 0)
    assert operation["database"]["status"] == "provisioning"


def test_that_the_database_shows_what_was_chosen_for_it(api: Api, alice: User, shop: Tenant) -> None:
    operation = body_of(order(api.by(alice), shop, labels={"team": "a"}))

    answer = api.by(alice).get(f"{URL}/{operation['database']['id']}")

    database = body_of(answer)
    assert (database["version"], database["plan"], database["storage_gib"]) == ("17.5", "small", 10)
    assert (database["topology"], database["region"]) == ({"mode": "standalone"}, "local")
    assert (database["status"], database["endpoint"], database["phase"]) == ("provisioning", None, None)
    assert (database["labels"], database["active_operation"]) == ({"team": "a"}, operation["id"])
    assert answer["ETag"] == database["etag"]


def test_that_the_same_key_is_answered_with_the_same_operation(api: Api, alice: User, shop: Tenant) -> None:
    first = order(api.by(alice), shop, key="k1")

    again = order(api.by(alice), shop, key='"k1"')

    assert body_of(again)["id"] == body_of(first)["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert not first.has_header("Idempotency-Replayed")


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"engine": "oracle"}, "engine", "unknown_engine"),
    ({"version": "9.9"}, "version", "unknown_version"),
    ({"plan": "huge"}, "plan", "unknown_plan"),
    ({"name": "x" * 41}, "name", "invalid_name"),
    ({"name": "x" * 64}, "name", "max_length"),
    ({"name": "Orders"}, "name", "invalid_name"),
    ({"name": ""}, "name", "blank"),
    ({"name": 5.5}, "name", "invalid_name"),
    ({"topology": {"mode": "ring"}}, "topology.mode", "unknown_mode"),
    ({"topology": "ring"}, "topology", "not_a_dict"),
    ({"topology": {"mode": "replicated", "replicas": 1}}, "topology.replicas", "out_of_range"),
    ({"topology": {"mode": "replicated", "replicas": "three"}}, "topology.replicas", "invalid_type"),
    ({"topology": {"mode": "standalone", "replicas": 2}}, "topology.replicas", "unknown_field"),
    ({"storage_gib": 0}, "storage_gib", "out_of_range"),
    ({"storage_gib": 10**9}, "storage_gib", "out_of_range"),
    ({"storage_gib": "much"}, "storage_gib", "invalid"),
    ({"region": "moon"}, "region", "unknown_region"),
    ({"labels": {"-": "x"}}, "labels.-", "invalid_label"),
    ({"labels": [1]}, "labels", "not_a_dict"),
    ({"access": {"mode": "public"}}, "access.mode", "invalid_choice"),
    ({"access": {"mode": "external", "allowed_cidrs": ["10.0.0.1/8"]}}, "access.allowed_cidrs.0", "invalid_cidr"),
    ({"deletion_protection": "perhaps"}, "deletion_protection", "invalid"),
]


@pytest.mark.parametrize(("fields", "field", "code"), BAD, ids=[f"{field}-{code}" for _, field, code in BAD])
def test_that_bad_input_is_named_and_nothing_is_accepted(
    api: Api, alice: User, shop: Tenant, fields: dict[str, Any], field: str, code: str
) -> None:
    answer = order(api.by(alice), shop, **fields)

    problem = body_of(answer)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]
    assert not Operation.objects.exists()


def test_that_a_tenant_s_id_must_be_one(api: Api, alice: User) -> None:
    problem = body_of(api.by(alice).post(URL, {"tenant": "mine", "name": "orders", "engine": "postgres"}))

    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("tenant", "invalid")]


@pytest.mark.parametrize("missing", ["tenant", "name", "engine"])
def test_that_what_is_missing_is_named(api: Api, alice: User, shop: Tenant, missing: str) -> None:
    fields = {"tenant": str(shop.id), "name": "orders", "engine": "postgres"}
    del fields[missing]

    problem = body_of(api.by(alice).post(URL, fields))

    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(missing, "required")]


def test_that_everything_that_is_wrong_is_said_at_once(api: Api, alice: User, shop: Tenant) -> None:
    answer = order(api.by(alice), shop, plan="huge", version="9.9", storage_gib=0)

    assert {error["field"] for error in body_of(answer)["errors"]} == {"plan", "version", "storage_gib"}


def test_that_a_taken_name_is_a_conflict(api: Api, alice: User, shop: Tenant) -> None:
    order(api.by(alice), shop)

    answer = order(api.by(alice), shop)

    assert (answer.status_code, body_of(answer)["code"]) == (409, "database.name_taken")


def test_that_a_reused_key_is_refused(api: Api, alice: User, shop: Tenant) -> None:
    order(api.by(alice), shop, key="k1")

    answer = order(api.by(alice), shop, key="k1", name="other")

    assert (answer.status_code, body_of(answer)["code"]) == (422, "idempotency_key.reused")


def test_that_an_exceeded_quota_says_limit_use_and_what_was_asked(api: Api, alice: User, shop: Tenant) -> None:
    Quota.objects.filter(tenant=shop).update(max_databases=0)

    answer = order(api.by(alice), shop)

    assert (answer.status_code, body_of(answer)["code"]) == (422, "quota.exceeded")
    assert body_of(answer)["exceeded"] == [{"resource": "databases", "limit": 0, "used": 0, "asked": 1}]


def test_that_malformed_json_is_a_problem_and_no_failure(api: Api, alice: User) -> None:
    answer = api.by(alice).post(URL, b'{"tenant": ')

    assert (answer.status_code, body_of(answer)["code"]) == (400, "request.malformed_json")


def test_that_a_body_of_more_than_256_kb_is_refused(api: Api, alice: User) -> None:
    answer = api.by(alice).post(URL, b'{"name": "' + b"x" * 262_144 + b'"}')

    assert (answer.status_code, body_of(answer)["code"]) == (413, "request.too_large")


def test_that_a_viewer_reads_but_orders_nothing(api: Api, alice: User, bob: User, shop: Tenant) -> None:
    order(api.by(alice), shop)

    assert order(api.by(bob), shop, name="mine").status_code == 403
    assert len(body_of(api.by(bob).get(URL))["items"]) == 1


def test_that_strangers_see_nothing(api: Api, alice: User, charlie: User, shop: Tenant) -> None:
    database_id = body_of(order(api.by(alice), shop))["database"]["id"]
    stranger = api.by(charlie)

    answers = [
        stranger.get(f"{URL}/{database_id}"),
        stranger.patch(f"{URL}/{database_id}", {"labels": {}}),
        stranger.delete(f"{URL}/{database_id}"),
        stranger.get(f"{URL}/{database_id}/credentials"),
        stranger.get(f"{URL}/{database_id}/operations"),
        order(stranger, shop),
    ]

    assert [answer.status_code for answer in answers] == [404] * 6
    assert body_of(stranger.get(URL))["items"] == []


def test_that_nobody_gets_in_without_credentials(api: Api) -> None:
    assert api.get(URL).status_code == 401


@pytest.mark.parametrize(
    ("query", "names"), [("", ["b", "a"]), ("?engine=postgres&name=a", ["a"]), ("?engine=redis", [])]
)
def test_that_the_list_is_newest_first_and_can_be_filtered(
    api: Api, alice: User, shop: Tenant, query: str, names: list[str]
) -> None:
    for name in ("a", "b"):
        order(api.by(alice), shop, name=name)

    found = body_of(api.by(alice).get(URL + query))

    assert [database["name"] for database in found["items"]] == names


def test_that_the_list_goes_on_where_the_page_ended(api: Api, alice: User, shop: Tenant) -> None:
    for name in ("a", "b", "c"):
        order(api.by(alice), shop, name=name)

    first = body_of(api.by(alice).get(f"{URL}?limit=2&tenant={shop.id}"))
    second = body_of(api.by(alice).get(f"{URL}?limit=2&tenant={shop.id}&cursor={first['next_cursor']}"))

    assert [item["name"] for page in (first, second) for item in page["items"]] == ["c", "b", "a"]
    assert second["next_cursor"] is None


def test_that_a_list_takes_two_queries_however_long_it_is(
    api: Api, alice: User, shop: Tenant, django_assert_num_queries: Callable[..., Any]
) -> None:
    for name in ("a", "b", "c"):
        order(api.by(alice), shop, name=name)
    caller = api.by(alice)

    with django_assert_num_queries(2):
        caller.get(URL)


def test_that_an_unchanged_database_is_not_sent_again(api: Api, alice: User, shop: Tenant) -> None:
    address = f"{URL}/{body_of(order(api.by(alice), shop))['database']['id']}"
    etag = api.by(alice).get(address)["ETag"]

    assert api.by(alice).with_headers(If_None_Match=etag).get(address).status_code == 304


def test_that_labels_and_protection_can_be_changed(api: Api, alice: User, shop: Tenant) -> None:
    address = f"{URL}/{body_of(order(api.by(alice), shop))['database']['id']}"
    etag = api.by(alice).get(address)["ETag"]

    answer = api.by(alice).with_headers(If_Match=etag).patch(address, {"deletion_protection": True})

    assert (answer.status_code, body_of(answer)["deletion_protection"]) == (200, True)
    assert answer["ETag"] != etag


def test_that_a_change_of_something_that_changed_meanwhile_is_refused(api: Api, alice: User, shop: Tenant) -> None:
    address = f"{URL}/{body_of(order(api.by(alice), shop))['database']['id']}"

    answer = api.by(alice).with_headers(If_Match='"old"').patch(address, {"labels": {}})

    assert (answer.status_code, body_of(answer)["code"]) == (412, "object.stale")


def test_that_deletion_is_accepted_and_asking_again_replays_it(api: Api, alice: User, shop: Tenant) -> None:
    address = f"{URL}/{body_of(order(api.by(alice), shop))['database']['id']}"

    first, again = api.by(alice).delete(address), api.by(alice).delete(address)

    assert (first.status_code, again.status_code) == (202, 202)
    assert body_of(first)["id"] == body_of(again)["id"]
    assert body_of(api.by(alice).get(address))["status"] == "deleting"


def test_that_a_protected_database_cannot_be_deleted(api: Api, alice: User, shop: Tenant) -> None:
    address = f"{URL}/{body_of(order(api.by(alice), shop, deletion_protection=True))['database']['id']}"

    answer = api.by(alice).delete(address)

    assert (answer.status_code, body_of(answer)["code"]) == (409, "database.deletion_protected")


def test_that_a_deleted_database_leaves_the_list_but_can_be_read(api: Api, alice: User, shop: Tenant) -> None:
    database_id = body_of(order(api.by(alice), shop))["database"]["id"]
    Database.objects.update(is_live=False, state="deleted", active_operation_kind="", active_operation_id=None)

    assert body_of(api.by(alice).get(URL))["items"] == []
    assert body_of(api.by(alice).get(f"{URL}/{database_id}"))["status"] == "deleted"


@pytest.mark.parametrize(
    ("state", "phase", "status"),
    [
        ("ready", "Ready", "ready"),
        ("ready", "", "ready"),
        ("ready", "Critical", "degraded"),
        ("ready", "NotReady", "unavailable"),
        ("ready", "Missing", "unavailable"),
        ("paused", "Halted", "paused"),
        ("failed", "", "failed"),
    ],
)
def test_that_a_database_at_rest_has_one_friendly_word(
    api: Api, alice: User, shop: Tenant, state: str, phase: str, status: str
) -> None:
    database_id = body_of(order(api.by(alice), shop))["database"]["id"]
    Database.objects.update(state=state, phase=phase, active_operation_kind="", active_operation_id=None)

    assert body_of(api.by(alice).get(f"{URL}/{database_id}"))["status"] == status


def test_that_credentials_of_a_database_that_is_not_there_yet_are_refused(api: Api, alice: User, shop: Tenant) -> None:
    database_id = body_of(order(api.by(alice), shop))["database"]["id"]

    answer = api.by(alice).get(f"{URL}/{database_id}/credentials")

    assert (answer.status_code, body_of(answer)["code"]) == (409, "database.no_credentials")


def test_that_an_api_key_orders_as_its_owner(api: Api, alice: User, shop: Tenant) -> None:
    key = body_of(api.by(alice).post("/api/v1/auth/api-keys", {"name": "ci"}))["key"]

    answer = api.with_headers(X_API_Key=key).post(URL, {"tenant": str(shop.id), "name": "orders", "engine": "postgres"})

    assert answer.status_code == 202
