from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth import hashers
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import sessions
from accounts.actor import Origin
from accounts.models import AuditEvent, RefreshSession, User
from accounts.sessions import SessionEnded, TokenPair, TokenReused
from accounts.tokens import TokenExpired, issue_access, read_access
from dbaas.core.clock import SYSTEM_CLOCK
from tests.cast import PASSWORD, Api, acting, body_of, person, problem

HERE = Origin(address="192.0.2.1", request_id="test")


def _log_in(user: User) -> TokenPair:
    return sessions.log_in(email=user.email, password=PASSWORD, origin=HERE)


def test_a_session_opens_the_api(api: Api, alice: User) -> None:
    pair = body_of(api.post("auth/login", {"email": alice.email, "password": PASSWORD}))

    response = api.with_headers(Authorization=f"Bearer {pair['access']}").get("auth/me")

    assert body_of(response)["id"] == str(alice.id)
    assert pair["expires_in"] == 600
    assert set(pair) == {"access", "refresh", "expires_in"}


def test_answers_with_tokens_are_not_cached(api: Api, alice: User) -> None:
    response = api.post("auth/login", {"email": alice.email, "password": PASSWORD})

    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("email", "password"),
    [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("lazy@example.com", PASSWORD)],
)
def test_every_failed_log_in_gets_the_same_answer(api: Api, alice: User, email: str, password: str) -> None:
    User.objects.create_user("lazy@example.com", PASSWORD, is_active=False)

    response = api.post("auth/login", {"email": email, "password": password})

    assert problem(response) == (401, "auth.invalid_credentials")
    assert body_of(response)["detail"] == "E-mail or password is wrong."
    assert alice


@pytest.mark.parametrize("email", ["alice@example.com", "nobody@example.com"])
def test_a_failed_log_in_costs_one_password_hash_whoever_it_is(
    alice: User, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher_class = type(hashers.get_hasher())
    encode, calls = hasher_class.encode, 0

    def counted(*args: Any, **kwargs: Any) -> str:
        nonlocal calls
        calls += 1
        return encode(*args, **kwargs)

    monkeypatch.setattr(hasher_class, "encode", counted)

    with pytest.raises(sessions.InvalidCredentials):
        sessions.log_in(email=email, password="wrong", origin=HERE)

    assert calls == 1
    assert alice


def test_log_ins_are_audited(alice: User) -> None:
    _log_in(alice)
    with pytest.raises(sessions.InvalidCredentials):
        sessions.log_in(email="nobody@example.com", password=PASSWORD, origin=HERE)

    started = AuditEvent.objects.get(action="session.started")
    refused = AuditEvent.objects.get(action="session.refused")
    assert (started.actor_id, started.outcome) == (alice.id, "allowed")
    assert (refused.actor_id, refused.actor_email, refused.outcome) == (None, "nobody@example.com", "refused")


def test_a_refresh_token_gives_a_new_pair(api: Api, alice: User) -> None:
    pair = _log_in(alice)

    response = api.post("auth/refresh", {"refresh": pair.refresh})

    renewed = body_of(response)
    assert response.status_code == 200
    assert renewed["refresh"] != pair.refresh
    assert api.with_headers(Authorization=f"Bearer {renewed['access']}").get("auth/me").status_code == 200


def test_a_refresh_token_used_twice_ends_the_whole_session(api: Api, alice: User) -> None:
    pair = _log_in(alice)
    renewed = body_of(api.post("auth/refresh", {"refresh": pair.refresh}))

    again = api.post("auth/refresh", {"refresh": pair.refresh})

    assert problem(again) == (401, "auth.token_reused")
    assert problem(api.post("auth/refresh", {"refresh": renewed["refresh"]})) == (401, "auth.session_ended")
    assert AuditEvent.objects.get(action="session.reuse_detected").actor_id == alice.id


def test_another_session_of_the_same_person_goes_on(alice: User) -> None:
    stolen, other = _log_in(alice), _log_in(alice)
    sessions.refresh(token=stolen.refresh, origin=HERE)
    with pytest.raises(TokenReused):
        sessions.refresh(token=stolen.refresh, origin=HERE)

    assert sessions.refresh(token=other.refresh, origin=HERE).access


def test_of_two_refreshes_of_one_token_at_once_one_succeeds(
    at_once: Callable[[list[Callable[[], TokenPair]]], list[TokenPair | Exception]],
) -> None:
    pairs = [_log_in(person(f"racer{number}")) for number in range(5)]

    for pair in pairs:
        outcomes = at_once([lambda token=pair.refresh: sessions.refresh(token=token, origin=HERE)] * 2)  # type: ignore[misc] # bound per turn

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["TokenPair", "TokenReused"]
    assert not RefreshSession.objects.filter(revoked_at=None).exists()


def test_logging_out_ends_the_session_and_may_be_repeated(api: Api, alice: User) -> None:
    pair = _log_in(alice)

    answers = [api.post("auth/logout", {"refresh": pair.refresh}).status_code for _ in range(2)]

    assert answers == [204, 204]
    assert problem(api.post("auth/refresh", {"refresh": pair.refresh})) == (401, "auth.session_ended")


def test_logging_out_with_an_old_token_ends_the_new_one_too(alice: User) -> None:
    pair = _log_in(alice)
    renewed = sessions.refresh(token=pair.refresh, origin=HERE)

    sessions.log_out(token=pair.refresh, origin=HERE)

    with pytest.raises(SessionEnded):
        sessions.refresh(token=renewed.refresh, origin=HERE)


def test_neither_kind_of_token_passes_for_the_other(api: Api, alice: User) -> None:
    pair = _log_in(alice)

    as_access = api.with_headers(Authorization=f"Bearer {pair.refresh}").get("auth/me")
    as_refresh = api.post("auth/refresh", {"refresh": pair.access})

    assert problem(as_access) == (401, "auth.token_invalid")
    assert problem(as_refresh) == (401, "auth.token_invalid")


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Basic YTpi", "Bearer not.a.token", "Bearer \xfc"])
def test_any_other_authorization_header_is_refused(api: Api, header: str) -> None:
    assert problem(api.with_headers(Authorization=header).get("auth/me")) == (401, "auth.token_invalid")


@pytest.mark.parametrize("claim", ["iss", "aud"])
def test_a_token_that_was_made_for_something_else_is_refused(
    api: Api, alice: User, claim: str, settings: Settings
) -> None:
    claims = jwt.decode(_log_in(alice).access, options={"verify_signature": False}) | {claim: "other"}
    forged = jwt.encode(claims, settings.JWT_SIGNING_KEYS[0], algorithm="HS256")

    assert problem(api.with_headers(Authorization=f"Bearer {forged}").get("auth/me")) == (401, "auth.token_invalid")


def test_an_unsigned_token_is_refused(api: Api, alice: User) -> None:
    claims = jwt.decode(_log_in(alice).access, options={"verify_signature": False})
    forged = jwt.encode(claims, "", algorithm="none")

    assert problem(api.with_headers(Authorization=f"Bearer {forged}").get("auth/me")) == (401, "auth.token_invalid")


def test_an_expired_access_token_is_refused_by_its_own_code(alice: User) -> None:
    token = issue_access(alice, lifetime=timedelta(seconds=-1))

    with pytest.raises(TokenExpired):
        read_access(token)


def test_raising_the_epoch_ends_access_tokens_at_once(api: Api, alice: User) -> None:
    client = api.by(alice)
    sessions.end_all_of(acting(alice), alice.id)

    assert problem(client.get("auth/me")) == (401, "auth.session_ended")


def test_an_inactive_person_is_out_at_once(api: Api, alice: User) -> None:
    client, pair = api.by(alice), _log_in(alice)
    User.objects.filter(id=alice.id).update(is_active=False)

    assert problem(client.get("auth/me")) == (401, "auth.session_ended")
    assert problem(api.post("auth/refresh", {"refresh": pair.refresh})) == (401, "auth.session_ended")


def test_who_am_i_costs_one_query(api: Api, alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = api.by(alice)

    with django_assert_num_queries(1):
        response = client.get("auth/me")

    assert body_of(response)["email"] == alice.email


def test_tokens_are_not_stored(alice: User) -> None:
    pair = _log_in(alice)

    stored = RefreshSession.objects.values_list("jti_hash", flat=True).get()
    assert stored not in pair.refresh
    assert len(stored) == 64


def test_expired_sessions_are_forgotten_and_no_others(alice: User) -> None:
    expired, other = _log_in(alice), _log_in(alice)
    rows = RefreshSession.objects.order_by("id")
    RefreshSession.objects.filter(id=rows[0].id).update(expires_at=SYSTEM_CLOCK.now() - timedelta(days=2))

    assert sessions.forget_expired(now=SYSTEM_CLOCK.now()) == 1

    assert sessions.refresh(token=other.refresh, origin=HERE).access
    assert expired


def test_a_token_whose_session_is_not_known_any_more_is_refused(api: Api, alice: User) -> None:
    pair = _log_in(alice)
    RefreshSession.objects.all().delete()

    answers = [api.post(f"auth/{verb}", {"refresh": pair.refresh}) for verb in ("refresh", "logout")]

    assert [problem(answer) for answer in answers] == [(401, "auth.token_invalid")] * 2
