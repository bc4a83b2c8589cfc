import pytest
from django.test import Client

from accounts import api_keys, sessions
from accounts.actor import Origin
from accounts.models import ApiKey, AuditEvent, RefreshSession, User
from tests.cast import PASSWORD, acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    """Somebody who may use the admin."""
    return User.objects.create_superuser("operator@example.com", PASSWORD)


@pytest.fixture
def admin(operator: User) -> Client:
    """The admin as the operator sees it."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def history(alice: User) -> None:
    """A session, a key, and the audit events of both."""
    sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin())
    api_keys.create(acting(alice), name="pipeline")


@pytest.mark.parametrize("model", ["user", "apikey", "refreshsession", "auditevent"])
@pytest.mark.usefixtures("history")
def test_lists_open_and_can_be_searched(admin: Client, model: str) -> None:
    response = admin.get(f"/admin/accounts/{model}/", {"q": "alice"})

    assert response.status_code == 200
    assert b"alice@example.com" in response.content


@pytest.mark.parametrize("model", [User, ApiKey, RefreshSession, AuditEvent])
@pytest.mark.usefixtures("history")
def test_single_objects_open_and_show_no_hash(
    admin: Client, model: type[User | ApiKey | RefreshSession | AuditEvent]
) -> None:
    found = model._default_manager.order_by("-pk").first()
    assert found is not None

    response = admin.get(f"/admin/accounts/{model._meta.model_name}/{found.pk}/change/")

    hashes = {getattr(found, name, None) for name in ("secret_hash", "jti_hash", "password")} - {None}
    assert response.status_code == 200
    assert [text for text in hashes if str(text).encode() in response.content] == []


@pytest.mark.parametrize("model", ["apikey", "refreshsession", "auditevent"])
@pytest.mark.usefixtures("history")
def test_what_only_the_product_writes_cannot_be_added(admin: Client, model: str) -> None:
    assert admin.get(f"/admin/accounts/{model}/add/").status_code == 403


@pytest.mark.usefixtures("history")
def test_audit_events_cannot_be_changed_or_deleted(admin: Client) -> None:
    event = AuditEvent.objects.order_by("id")[0]

    changed = admin.post(f"/admin/accounts/auditevent/{event.id}/change/", {"action": "nothing"})
    deleted = admin.post(f"/admin/accounts/auditevent/{event.id}/delete/", {"post": "yes"})

    assert (changed.status_code, deleted.status_code) == (403, 403)


def test_a_person_can_be_added_in_one_spelling(admin: Client) -> None:
    form = {
        "email": "Dora@Example.com",
        "name": "Dora",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "usable_password": "true",
    }

    response = admin.post("/admin/accounts/user/add/", form)

    assert response.status_code == 302, response.content
    assert User.objects.get(email="dora@example.com").check_password(PASSWORD)


def test_a_new_password_logs_the_person_out_everywhere(admin: Client, alice: User) -> None:
    pair = sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin())
    form = {"password1": "another long pass phrase", "password2": "another long pass phrase", "usable_password": "true"}

    response = admin.post(f"/admin/accounts/user/{alice.id}/password/", form)

    assert response.status_code == 302, response.content
    with pytest.raises(sessions.SessionEnded):
        sessions.authenticated(pair.access)
    with pytest.raises(sessions.SessionEnded):
        sessions.refresh(token=pair.refresh, origin=Origin())


def test_all_sessions_of_chosen_people_can_be_ended(admin: Client, alice: User, operator: User) -> None:
    pair = sessions.log_in(email=alice.email, password=PASSWORD, origin=Origin())

    admin.post("/admin/accounts/user/", {"action": "end_all_sessions", "_selected_action": [str(alice.id)]})

    with pytest.raises(sessions.SessionEnded):
        sessions.authenticated(pair.access)
    assert AuditEvent.objects.get(action="session.all_ended").actor_id == operator.id


def test_keys_can_be_revoked(admin: Client, alice: User, operator: User) -> None:
    key, text = api_keys.create(acting(alice), name="pipeline")

    admin.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [str(key.id)]})

    with pytest.raises(api_keys.ApiKeyInvalid):
        api_keys.authenticated(text, origin=Origin())
    assert AuditEvent.objects.get(action="api_key.revoked").actor_id == operator.id
