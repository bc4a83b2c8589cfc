from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import api_keys
from accounts.actor import Origin
from accounts.key_limits import KeyLimits
from accounts.models import ApiKey, AuditEvent, User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.redaction import REDACTED, redact
from tests.cast import Api, acting, body_of, problem

pytestmark = pytest.mark.django_db
HERE = Origin(address="192.0.2.1")


@pytest.fixture
def text(alice: User) -> str:
    """A live key of alice."""
    return api_keys.create(acting(alice), name="pipeline")[1]


def test_a_key_opens_the_api_as_its_owner(api: Api, alice: User) -> None:
    made = body_of(api.by(alice).post("auth/api-keys", {"name": "pipeline"}))

    response = api.with_headers(X_API_Key=made["key"]).get("auth/me")

    assert body_of(response)["id"] == str(alice.id)
    assert made["key"].startswith(f"dbk_{made['prefix']}_")
    assert len(made["key"]) == 4 + 8 + 1 + 43


def test_a_key_is_shown_once_and_not_stored(api: Api, alice: User, text: str) -> None:
    listed = api.by(alice).get("auth/api-keys")

    secret = text.split("_", 2)[2]
    assert secret not in listed.content.decode()
    assert secret not in str(ApiKey.objects.values().get())
    assert set(body_of(listed)["items"][0]) == {
        *("id", "name", "prefix", "scopes", "tenant", "allowed_networks"),
        *("expires_at", "last_used_at", "last_used_address", "created_at"),
    }


def test_a_key_is_taken_out_of_logs(text: str) -> None:
    assert redact(f"key {text} was sent") == f"key {REDACTED} was sent"


def _altered(key: str) -> list[str]:
    last = "a" if key[-1] != "a" else "b"
    return [key[:-1] + last, key + "x", "dbk_" + key, key.removeprefix("dbk_"), ""]


@pytest.mark.parametrize("number", range(5))
def test_any_other_text_is_refused(api: Api, text: str, number: int) -> None:
    wrong = _altered(text)[number]

    assert problem(api.with_headers(X_API_Key=wrong).get("auth/me")) == (401, "auth.api_key_invalid")


def test_a_revoked_key_is_refused_at_once(api: Api, alice: User, text: str) -> None:
    key_id = ApiKey.objects.get().id

    revoked = api.by(alice).delete(f"auth/api-keys/{key_id}")

    assert revoked.status_code == 204
    assert problem(api.with_headers(X_API_Key=text).get("auth/me")) == (401, "auth.api_key_invalid")
    assert problem(api.by(alice).delete(f"auth/api-keys/{key_id}")) == (404, "api_key.not_found")
    assert body_of(api.by(alice).get("auth/api-keys"))["items"] == []


def test_an_expired_key_is_refused(alice: User) -> None:
    now = SYSTEM_CLOCK.now()
    _, text = api_keys.create(acting(alice), name="short", limits=KeyLimits(expires_at=now + timedelta(hours=1)))
    ApiKey.objects.update(expires_at=now)

    with pytest.raises(api_keys.ApiKeyInvalid):
        api_keys.authenticated(text, origin=HERE)


def test_a_key_of_an_inactive_person_is_refused(api: Api, text: str) -> None:
    User.objects.update(is_active=False)

    assert problem(api.with_headers(X_API_Key=text).get("auth/me")) == (401, "auth.api_key_invalid")


def test_a_key_cannot_expire_in_the_past(api: Api, alice: User) -> None:
    response = api.by(alice).post("auth/api-keys", {"name": "old", "expires_at": "2020-01-01T00:00:00Z"})

    assert body_of(response)["errors"][0]["field"] == "expires_at"


def test_a_usual_key_cannot_make_another(api: Api, text: str) -> None:
    response = api.with_headers(X_API_Key=text).post("auth/api-keys", {"name": "child"})

    assert problem(response) == (403, "api_key.scope_missing")


def test_nobody_sees_or_revokes_keys_of_others(api: Api, bob: User, text: str) -> None:
    key_id = ApiKey.objects.get().id

    assert body_of(api.by(bob).get("auth/api-keys"))["items"] == []
    assert problem(api.by(bob).delete(f"auth/api-keys/{key_id}")) == (404, "api_key.not_found")
    assert api_keys.authenticated(text, origin=HERE)


def test_nobody_has_more_than_twenty_live_keys(alice: User) -> None:
    keys = [api_keys.create(acting(alice), name=f"key {number}")[0] for number in range(20)]
    with pytest.raises(api_keys.TooManyApiKeys):
        api_keys.create(acting(alice), name="one more")

    api_keys.revoke(acting(alice), keys[0].id)

    assert api_keys.create(acting(alice), name="one more")


def test_use_is_noted_at_most_once_a_minute(
    api: Api, text: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = api.with_headers(X_API_Key=text)
    with django_assert_num_queries(2):
        client.get("auth/me")
    first = ApiKey.objects.get().last_used_at

    with django_assert_num_queries(1):
        client.get("auth/me")

    assert first is not None
    assert ApiKey.objects.get().last_used_at == first


def test_use_is_noted_again_after_a_minute(text: str) -> None:
    long_ago = SYSTEM_CLOCK.now() - timedelta(minutes=1)
    ApiKey.objects.update(last_used_at=long_ago)

    api_keys.authenticated(text, origin=HERE)

    assert ApiKey.objects.get().last_used_at != long_ago


def test_making_and_revoking_is_audited_without_the_secret(alice: User, text: str) -> None:
    api_keys.revoke(acting(alice), ApiKey.objects.get().id)

    events = list(AuditEvent.objects.filter(action__startswith="api_key."))
    assert {event.action for event in events} == {"api_key.created", "api_key.revoked"}
    assert text.split("_", 2)[2] not in str([event.detail for event in events])


def test_acting_by_key_is_told_apart_in_the_audit_trail(api: Api, text: str) -> None:
    api.with_headers(X_API_Key=text).post("tenants", {"name": "shop"})

    assert AuditEvent.objects.get(action="tenant.created").via == "api_key"
