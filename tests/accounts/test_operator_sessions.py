import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_out
from django.test import Client, RequestFactory

from accounts.models import AuditEvent, User
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    """Somebody who may use the admin."""
    return User.objects.create_superuser("operator@example.com", PASSWORD)


def test_log_ins_and_log_outs_of_the_admin_are_on_record(operator: User) -> None:
    client = Client(REMOTE_ADDR="192.0.2.9")

    client.post("/admin/login/", {"username": operator.email, "password": PASSWORD})
    client.post("/admin/logout/")

    events = AuditEvent.objects.order_by("id")
    assert [event.action for event in events] == ["session.started", "session.ended"]
    assert {(event.actor_id, event.address, event.detail["to"]) for event in events} == {
        (operator.id, "192.0.2.9", "admin")
    }


def test_a_refused_log_in_to_the_admin_is_on_record(operator: User) -> None:
    Client(REMOTE_ADDR="192.0.2.9").post("/admin/login/", {"username": operator.email.upper(), "password": "wrong"})

    event = AuditEvent.objects.get()
    assert (event.action, event.outcome, event.address) == ("session.refused", "refused", "192.0.2.9")
    assert (event.actor_id, event.actor_email) == (operator.id, operator.email)


def test_an_unknown_address_is_on_record_as_it_was_given() -> None:
    Client().post("/admin/login/", {"username": "Nobody@example.com", "password": "wrong"})

    event = AuditEvent.objects.get()
    assert (event.actor_id, event.actor_email) == (None, "nobody@example.com")


def test_a_check_outside_of_a_request_is_nobodys_log_in(operator: User) -> None:
    assert authenticate(username=operator.email, password="wrong") is None

    assert not AuditEvent.objects.exists()


def test_a_log_out_of_nobody_is_none() -> None:
    user_logged_out.send(User, request=RequestFactory().get("/admin/logout/"), user=None)

    assert not AuditEvent.objects.exists()


def test_wrong_passwords_make_the_next_one_wait_here_too(operator: User) -> None:
    client = Client()
    for _ in range(5):
        client.post("/admin/login/", {"username": operator.email, "password": "wrong"})

    refused = client.post("/admin/login/", {"username": operator.email, "password": PASSWORD})

    assert b"Too many failed log-ins lately: try again in 1 s." in refused.content
    assert not AuditEvent.objects.filter(action="session.started").exists()


def test_a_right_password_ends_the_count(operator: User) -> None:
    client = Client()
    for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4 + [PASSWORD]:
        client.post("/admin/login/", {"username": operator.email, "password": password})

    assert AuditEvent.objects.filter(action="session.started").count() == 2
