import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import AuditEvent, User
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> User:
    """Somebody who may use the admin."""
    return User.objects.create_superuser("operator@example.com", PASSWORD)


@pytest.fixture
def admin(operator: User) -> Client:
    """The admin as the operator sees it."""
    client = Client(REMOTE_ADDR="192.0.2.9")
    client.force_login(operator)
    return client


def test_an_added_group_is_on_record_with_who_and_from_where(admin: Client, operator: User) -> None:
    admin.post("/admin/auth/group/add/", {"name": "support"})

    event = AuditEvent.objects.get(action="group.added")
    assert (event.actor_id, event.address, event.object_id) == (
        operator.id,
        "192.0.2.9",
        str(Group.objects.get().pk),
    )
    assert event.detail["name"] == "support"
    assert event.request_id


def test_a_changed_person_is_on_record_by_the_names_of_the_fields(admin: Client, alice: User) -> None:
    response = admin.post(f"/admin/accounts/user/{alice.id}/change/", {"email": alice.email, "name": "Alicia"})

    assert response.status_code == 302, response.content
    event = AuditEvent.objects.get(action="user.changed")
    assert event.object_id == str(alice.id)
    assert event.detail["message"] == [{"changed": {"fields": ["Name", "Is active"]}}]


def test_a_password_that_an_operator_set_is_on_record_without_it(admin: Client, alice: User) -> None:
    secret = "another long pass phrase"

    admin.post(
        f"/admin/accounts/user/{alice.id}/password/",
        {"password1": secret, "password2": secret, "usable_password": "true"},
    )

    event = AuditEvent.objects.get(action="user.changed")
    assert "password" in str(event.detail)
    assert secret not in str(event.detail)


def test_each_deleted_object_is_on_record(admin: Client) -> None:
    groups = [Group.objects.create(name=name) for name in ("one", "two")]

    admin.post(
        "/admin/auth/group/",
        {"action": "delete_selected", "_selected_action": [group.pk for group in groups], "post": "yes"},
    )

    assert not Group.objects.exists()
    deleted = AuditEvent.objects.filter(action="group.deleted").values_list("object_id", flat=True)
    assert sorted(deleted) == sorted(str(group.pk) for group in groups)
