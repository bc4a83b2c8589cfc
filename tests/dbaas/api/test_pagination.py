import pytest
from django.core import signing
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from tenants import services
from tests.cast import Api, acting, body_of, problem, tenant_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def names(alice: User) -> list[str]:
    """Seven tenants of alice, newest first."""
    tenants = [services.create(acting(alice), name=f"shop-{number}") for number in range(7)]
    return [tenant.name for tenant in sorted(tenants, key=lambda tenant: tenant.id, reverse=True)]


def _all_pages(api: Api, limit: int) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        page = body_of(api.get("tenants", limit=limit, **({"cursor": cursor} if cursor else {})))
        pages.append([item["name"] for item in page["items"]])
        if page["next_cursor"] is None:
            return pages
        cursor = page["next_cursor"]


@pytest.mark.parametrize(("limit", "sizes"), [(3, [3, 3, 1]), (7, [7]), (200, [7]), (1, [1] * 7)])
def test_pages_hold_every_object_once_newest_first(
    api: Api, alice: User, names: list[str], limit: int, sizes: list[int]
) -> None:
    pages = _all_pages(api.by(alice), limit)

    assert [len(page) for page in pages] == sizes
    assert [name for page in pages for name in page] == names


def test_an_object_made_between_pages_moves_nothing(api: Api, alice: User, names: list[str]) -> None:
    first = body_of(api.by(alice).get("tenants", limit=4))
    tenant_of(alice, "newcomer")

    second = body_of(api.by(alice).get("tenants", limit=4, cursor=first["next_cursor"]))

    assert [item["name"] for item in second["items"]] == names[4:]


def test_a_page_is_one_query(
    api: Api, alice: User, names: list[str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2) as queries:
        api.by(alice).get("tenants", limit=5)

    assert not any("COUNT(" in query["sql"] for query in queries.captured_queries)
    assert len(names) == 7


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1.5", "", "9" * 400, "٣"])
def test_a_limit_out_of_range_is_refused(api: Api, alice: User, limit: str) -> None:
    response = api.by(alice).get("tenants", limit=limit)

    assert problem(response) == (400, "request.invalid")
    assert body_of(response)["errors"][0]["field"] == "limit"


@pytest.mark.parametrize(
    "cursor",
    ["x", "a:b:c", signing.dumps(["00", "00"]), signing.dumps(["x", "x"], salt="dbaas.api.pagination")],
    ids=["nothing", "no signature", "another salt", "no id"],
)
def test_a_cursor_that_we_did_not_make_is_refused(api: Api, alice: User, cursor: str) -> None:
    assert problem(api.by(alice).get("tenants", cursor=cursor)) == (400, "cursor.invalid")


def test_a_cursor_of_other_filters_is_refused(api: Api, alice: User, names: list[str]) -> None:
    cursor = body_of(api.by(alice).get("tenants", limit=2))["next_cursor"]

    response = api.by(alice).get("tenants", limit=2, cursor=cursor, region="north")

    assert problem(response) == (400, "cursor.invalid")
    assert names


def test_a_cursor_of_another_list_is_refused(api: Api, alice: User, names: list[str]) -> None:
    cursor = body_of(api.by(alice).get("tenants", limit=2))["next_cursor"]

    assert problem(api.by(alice).get("auth/api-keys", limit=2, cursor=cursor)) == (400, "cursor.invalid")
    assert names
