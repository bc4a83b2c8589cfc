import re
from collections.abc import Iterator

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import api_keys
from accounts.models import User
from dbaas.api.rate_limits import limiter
from dbaas.core.ids import uuid7
from tenants.models import Tenant
from tests.cast import PASSWORD, Api, acting, body_of, problem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> Iterator[None]:
    settings.RATE_LIMITS = {"reads": 5, "writes": 3, "credentials": 2, "logins": 4, "anonymous": 6}
    limiter._limiter.cache_clear()
    yield
    limiter._limiter.cache_clear()


def _key_of(user: User) -> str:
    return api_keys.create(acting(user), name="pipeline")[1]


def _standing(response: HttpResponse) -> tuple[str, int]:
    found = re.fullmatch(r'"([a-z]+)";r=(\d+);t=\d+', response["RateLimit"])
    assert found is not None
    return found.group(1), int(found.group(2))


def test_every_answer_says_how_the_caller_stands(api: Api, alice: User) -> None:
    response = api.by(alice).get("auth/me")

    assert response["RateLimit-Policy"] == '"reads";q=5;w=60'
    assert response["RateLimit"] == '"reads";r=4;t=12'


def test_one_request_too_many_is_refused_with_the_time_to_wait(api: Api, alice: User) -> None:
    answers = [api.by(alice).get("auth/me") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert problem(answers[5]) == (429, "request.throttled")
    assert 10 <= int(answers[5]["Retry-After"]) <= 12
    assert _standing(answers[5]) == ("reads", 0)
    assert "5 requests of the kind reads" in body_of(answers[5])["detail"]


def test_a_refused_request_does_nothing(
    api: Api, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(3):
        api.by(alice).post("tenants", {"name": "x"})

    with django_assert_num_queries(1):  # who it is
        response = api.by(alice).post("tenants", {"name": "late"})

    assert problem(response) == (429, "request.throttled")
    assert not Tenant.objects.exists()


def test_reads_and_writes_are_counted_apart(api: Api, alice: User) -> None:
    for _ in range(4):
        last = api.by(alice).post("tenants", {})

    assert last.status_code == 429
    assert _standing(last)[0] == "writes"
    assert api.by(alice).get("auth/me").status_code == 200


def test_one_person_is_no_burden_to_another(api: Api, alice: User, bob: User) -> None:
    for _ in range(6):
        api.by(alice).get("auth/me")

    assert _standing(api.by(bob).get("auth/me")) == ("reads", 4)


def test_each_api_key_is_counted_by_itself(api: Api, alice: User) -> None:
    one, other = (api.with_headers(X_API_Key=_key_of(alice)) for _ in range(2))
    for _ in range(6):
        refused = one.get("auth/me")

    assert refused.status_code == 429
    assert other.get("auth/me").status_code == 200
    assert api.by(alice).get("auth/me").status_code == 200


def test_passwords_of_databases_are_counted_by_person_whatever_the_key(api: Api, alice: User) -> None:
    path = f"databases/{uuid7()}/credentials"
    callers = [api.with_headers(X_API_Key=_key_of(alice)) for _ in range(3)]

    answers = [caller.get(path).status_code for caller in callers]

    assert answers == [404, 404, 429]


def test_log_ins_are_counted_by_address(api: Api, alice: User) -> None:
    wrong = {"email": "nobody@example.com", "password": "wrong"}
    answers = [api.post("auth/login", wrong) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [401] * 4 + [429]
    assert _standing(answers[3]) == ("logins", 0)
    elsewhere = Client(REMOTE_ADDR="192.0.2.77")
    right = {"email": alice.email, "password": PASSWORD}
    assert elsewhere.post("/api/v1/auth/login", right, "application/json").status_code == 200


@pytest.mark.parametrize(
    ("path", "headers"),
    [("auth/me", {}), ("auth/me", {"X_API_Key": "dbk_wrong"}), ("nowhere", {}), ("tenants/not-an-id", {})],
)
def test_what_no_view_counted_is_counted_by_address(api: Api, path: str, headers: dict[str, str]) -> None:
    answers = [api.with_headers(**headers).get(path) for _ in range(7)]

    assert {answer.status_code for answer in answers[:6]} <= {401, 404}
    assert _standing(answers[5]) == ("anonymous", 0)
    assert problem(answers[6]) == (429, "request.throttled")
    assert answers[6]["X-Request-ID"]


def test_a_body_that_is_too_large_counts_as_well(api: Api) -> None:
    response = api.post("auth/login", b"x" * 300_000)

    assert response.status_code == 413
    assert _standing(response) == ("anonymous", 5)


@pytest.mark.parametrize(
    ("addresses", "are_one"),
    [
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), True),
        (("2001:db8:1:2::1", "2001:db8:1:3::1"), False),
        (("192.0.2.1", "192.0.2.2"), False),
        (("::ffff:192.0.2.1", "192.0.2.1"), True),
        (("::ffff:192.0.2.1", "::ffff:192.0.2.2"), False),
        (("not:an:address", "nor:this"), True),
    ],
)
def test_an_ipv6_network_is_one_customer(addresses: tuple[str, str], are_one: bool) -> None:
    first, second = (_standing(_unknown(Client(REMOTE_ADDR=address))) for address in addresses)

    assert second[1] == first[1] - (1 if are_one else 0)


def _unknown(client: Client) -> HttpResponse:
    return client.get("/api/v1/auth/me")  # type: ignore[return-value] # the client's own class of it


def test_a_kind_without_limit_has_no_headers(api: Api, alice: User, settings: Settings) -> None:
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 0)

    answers = [api.by(alice).get("auth/me"), api.get("auth/me")]

    assert [("RateLimit" in answer, answer.status_code) for answer in answers] == [(False, 200), (False, 401)]


def test_other_pages_are_not_counted(client: Client) -> None:
    assert "RateLimit" not in client.get("/health/live")
