import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from accounts import login_limits, passwords, sessions
from accounts.actor import Origin
from accounts.models import AuditEvent, PasswordReset, User
from accounts.passwords import ResetInvalid, send_letters
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import InvalidRequest
from tests.cast import PASSWORD, Api, acting, body_of, problem

HERE = Origin(address="192.0.2.1", request_id="test")
NEW = "an even longer pass phrase"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _post_office(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def _log_in(user: User, password: str = PASSWORD) -> sessions.TokenPair:
    return sessions.log_in(email=user.email, password=password, origin=HERE)


def _token_for(user: User) -> str:
    passwords.ask_for_letter(email=user.email, origin=HERE)
    send_letters()
    found = re.search(r"^    ([\w-]{43})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found is not None
    return found.group(1)


def test_a_new_password_ends_every_session_and_begins_one(api: Api, alice: User) -> None:
    before, caller = _log_in(alice), api.by(alice)

    response = caller.post("auth/password", {"current_password": PASSWORD, "new_password": NEW})

    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    pair = body_of(response)
    assert api.with_headers(Authorization=f"Bearer {pair['access']}").get("auth/me").status_code == 200
    assert problem(caller.get("auth/me")) == (401, "auth.session_ended")
    assert problem(api.post("auth/refresh", {"refresh": before.refresh})) == (401, "auth.session_ended")
    assert _log_in(alice, NEW).access
    assert AuditEvent.objects.filter(action="account.password_changed", outcome="allowed").count() == 1


def test_without_the_present_password_there_is_no_new_one(api: Api, alice: User) -> None:
    response = api.by(alice).post("auth/password", {"current_password": "wrong", "new_password": NEW})

    assert problem(response) == (400, "request.invalid")
    assert body_of(response)["errors"][0]["field"] == "current_password"
    assert _log_in(alice).access
    assert AuditEvent.objects.get(action="account.password_changed").outcome == "refused"


def test_the_present_password_cannot_be_guessed_with_a_stolen_token(api: Api, alice: User) -> None:
    wrong = {"current_password": "wrong", "new_password": NEW}
    answers = [api.by(alice).post("auth/password", wrong) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


def test_a_weak_new_password_is_refused_at_its_field(api: Api, alice: User) -> None:
    response = api.by(alice).post("auth/password", {"current_password": PASSWORD, "new_password": "short"})

    assert {error["field"] for error in body_of(response)["errors"]} == {"new_password"}


def test_a_password_that_was_changed_meanwhile_is_not_overwritten(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    original = login_limits.give_back

    def changed_meanwhile(**guess: Any) -> None:
        original(**guess)
        other = User.objects.get(id=alice.id)
        other.set_password("somebody was quicker here")
        other.save()

    monkeypatch.setattr(login_limits, "give_back", changed_meanwhile)

    with pytest.raises(InvalidRequest):
        passwords.change(acting(alice), current_password=PASSWORD, new_password=NEW)
    assert User.objects.get(id=alice.id).check_password("somebody was quicker here")


def test_an_api_key_cannot_change_the_password(api: Api, alice: User) -> None:
    key = body_of(api.by(alice).post("auth/api-keys", {"name": "pipeline"}))["key"]

    response = api.with_headers(X_API_Key=key).post(
        "auth/password", {"current_password": PASSWORD, "new_password": NEW}
    )

    assert response.status_code == 403


def test_logging_out_everywhere_ends_this_session_too(api: Api, alice: User) -> None:
    pair, caller = _log_in(alice), api.by(alice)

    assert caller.post("auth/logout-everywhere").status_code == 204

    assert problem(caller.get("auth/me")) == (401, "auth.session_ended")
    assert problem(api.post("auth/refresh", {"refresh": pair.refresh})) == (401, "auth.session_ended")
    assert AuditEvent.objects.get(action="session.all_ended").actor_id == alice.id


def test_the_letter_gives_a_new_password_and_ends_every_session(api: Api, alice: User) -> None:
    pair, token = _log_in(alice), _token_for(alice)

    response = api.post("auth/password-reset/confirm", {"token": token, "new_password": NEW})

    assert response.status_code == 204
    assert mail.outbox[0].to == [alice.email]
    assert problem(api.post("auth/refresh", {"refresh": pair.refresh})) == (401, "auth.session_ended")
    assert _log_in(alice, NEW).access
    assert AuditEvent.objects.get(action="account.password_reset").actor_id == alice.id


def test_a_letter_is_good_for_one_use(api: Api, alice: User) -> None:
    body = {"token": _token_for(alice), "new_password": NEW}

    answers = [api.post("auth/password-reset/confirm", body) for _ in range(2)]

    assert answers[0].status_code == 204
    assert problem(answers[1]) == (404, "auth.reset_invalid")


def test_of_two_uses_at_once_one_succeeds(at_once: Callable[[list[Callable[[], Any]]], list[Any]], alice: User) -> None:
    token = _token_for(alice)

    outcomes = at_once([lambda: passwords.reset(token=token, new_password=NEW, origin=HERE)] * 4)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["ResetInvalid"] * 3


def test_a_weak_password_leaves_the_letter_good(api: Api, alice: User) -> None:
    token = _token_for(alice)

    weak = api.post("auth/password-reset/confirm", {"token": token, "new_password": "short"})

    assert problem(weak) == (400, "request.invalid")
    assert api.post("auth/password-reset/confirm", {"token": token, "new_password": NEW}).status_code == 204


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com", "lazy@example.com"])
def test_nobody_learns_whether_an_address_has_an_account(api: Api, alice: User, email: str) -> None:
    User.objects.create_user("lazy@example.com", PASSWORD, is_active=False)

    response = api.post("auth/password-reset", {"email": email})

    assert (response.status_code, response.content) == (204, b"")
    assert mail.outbox == []  # it is sent a moment later, so that the time does not tell either
    assert send_letters() == (1 if email == alice.email else 0)
    assert AuditEvent.objects.get(action="account.reset_requested").actor_email == email


def test_asking_again_within_a_minute_sends_no_second_letter(alice: User) -> None:
    for _ in range(3):
        passwords.ask_for_letter(email=alice.email, origin=HERE)
        send_letters()

    assert len(mail.outbox) == 1


def test_a_later_letter_replaces_the_one_before(alice: User) -> None:
    first = _token_for(alice)
    PasswordReset.objects.update(asked_at=SYSTEM_CLOCK.now() - timedelta(minutes=2))
    second = _token_for(alice)

    with pytest.raises(ResetInvalid):
        passwords.reset(token=first, new_password=NEW, origin=HERE)
    passwords.reset(token=second, new_password=NEW, origin=HERE)


def test_a_letter_ends_after_an_hour(alice: User) -> None:
    token = _token_for(alice)
    PasswordReset.objects.update(expires_at=SYSTEM_CLOCK.now())

    with pytest.raises(ResetInvalid):
        passwords.reset(token=token, new_password=NEW, origin=HERE)


def test_a_letter_opens_nothing_for_who_was_deactivated(alice: User) -> None:
    token = _token_for(alice)
    User.objects.filter(id=alice.id).update(is_active=False)

    with pytest.raises(ResetInvalid):
        passwords.reset(token=token, new_password=NEW, origin=HERE)


def test_a_new_password_ends_a_letter_that_is_under_way(alice: User) -> None:
    token = _token_for(alice)
    passwords.change(acting(alice), current_password=PASSWORD, new_password=NEW)

    with pytest.raises(ResetInvalid):
        passwords.reset(token=token, new_password="yet another pass phrase", origin=HERE)


def test_the_token_is_in_the_letter_alone(alice: User) -> None:
    token = _token_for(alice)

    stored = " ".join(str(row) for row in PasswordReset.objects.values_list())
    recorded = " ".join(str(row) for row in AuditEvent.objects.values_list())
    assert token not in stored + recorded


def test_without_a_mail_server_letters_wait(alice: User, bob: User, settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    for user in (alice, bob):
        passwords.ask_for_letter(email=user.email, origin=HERE)

    assert send_letters() == 0

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_letters() == 2
    assert send_letters() == 0


def test_two_workers_send_one_letter(at_once: Callable[[list[Callable[[], int]]], list[int]], alice: User) -> None:
    passwords.ask_for_letter(email=alice.email, origin=HERE)

    assert sum(at_once([send_letters] * 4)) == 1


def test_requests_whose_time_is_up_are_forgotten(alice: User) -> None:
    passwords.ask_for_letter(email=alice.email, origin=HERE)
    PasswordReset.objects.update(expires_at=SYSTEM_CLOCK.now() - timedelta(days=2))

    assert passwords.forget_expired(now=SYSTEM_CLOCK.now()) == 1
