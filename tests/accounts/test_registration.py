from collections.abc import Callable

import pytest

from accounts.actor import Origin
from accounts.models import AuditEvent, User
from accounts.people import EmailTaken, register
from tests.cast import PASSWORD, Api, body_of, problem


@pytest.mark.django_db
def test_a_new_person_is_stored_under_one_spelling_and_can_log_in(api: Api) -> None:
    response = api.post("auth/register", {"email": " Dora@Example.COM ", "password": PASSWORD, "name": "Dora"})

    assert response.status_code == 201
    assert body_of(response)["email"] == "dora@example.com"
    assert set(body_of(response)) == {"id", "email", "name", "is_operator", "created_at"}
    assert api.post("auth/login", {"email": "DORA@example.com", "password": PASSWORD}).status_code == 200


def test_a_taken_address_is_a_conflict_in_any_spelling(api: Api, alice: User) -> None:
    response = api.post("auth/register", {"email": "ALICE@example.com", "password": PASSWORD})

    assert problem(response) == (409, "account.email_taken")
    assert alice


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password_too_short"),
        ("123456789012", "password_entirely_numeric"),
        ("dora@example.com", "password_too_similar"),
    ],
)
def test_a_weak_password_is_an_error_of_its_field(api: Api, password: str, code: str) -> None:
    response = api.post("auth/register", {"email": "dora@example.com", "password": password})

    assert problem(response) == (400, "request.invalid")
    assert ("password", code) in {(error["field"], error["code"]) for error in body_of(response)["errors"]}
    assert not User.objects.filter(email="dora@example.com").exists()


@pytest.mark.django_db
def test_missing_fields_are_named(api: Api) -> None:
    response = api.post("auth/register", {"email": "not an address"})

    fields = {(error["field"], error["code"]) for error in body_of(response)["errors"]}
    assert fields == {("email", "invalid"), ("password", "required")}


@pytest.mark.django_db
def test_nobody_can_make_themselves_an_operator(api: Api) -> None:
    api.post(
        "auth/register",
        {
            "email": "dora@example.com",
            "password": PASSWORD,
            "is_staff": True,
            "is_operator": True,
            "is_superuser": True,
        },
    )

    dora = User.objects.get(email="dora@example.com")
    assert (dora.is_staff, dora.is_superuser) == (False, False)


@pytest.mark.django_db
def test_a_registration_is_audited(api: Api) -> None:
    api.post("auth/register", {"email": "dora@example.com", "password": PASSWORD})

    assert AuditEvent.objects.get(action="account.registered").actor_email == "dora@example.com"


def test_of_many_registrations_of_one_address_at_once_one_succeeds(
    at_once: Callable[[list[Callable[[], User]]], list[User | Exception]],
) -> None:
    outcomes = at_once([lambda: register(email="dora@example.com", password=PASSWORD, name="", origin=Origin())] * 6)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [EmailTaken.__name__] * 5 + ["User"]
