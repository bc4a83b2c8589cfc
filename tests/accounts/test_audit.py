import pytest

from accounts import audit
from accounts.models import AuditEvent, AuditTrailIsAppendOnly, User
from tests.cast import acting

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(alice: User) -> AuditEvent:
    """Something that alice did."""
    return audit.record(
        acting(alice),
        action="database.credentials.read",
        object_type="database",
        object_id=alice.id,
        detail={"reason": "test"},
    )


def test_an_event_says_who_did_what_to_what_and_from_where(event: AuditEvent, alice: User) -> None:
    stored = AuditEvent.objects.get(id=event.id)

    assert (stored.actor_id, stored.actor_email, stored.via) == (alice.id, "alice@example.com", "session")
    assert (stored.action, stored.object_type, stored.object_id) == (
        "database.credentials.read",
        "database",
        str(alice.id),
    )
    assert (stored.outcome, stored.address, stored.request_id, stored.detail) == (
        "allowed",
        "192.0.2.1",
        "test",
        {"reason": "test"},
    )


def test_an_event_cannot_be_changed(event: AuditEvent) -> None:
    event.action = "nothing"

    with pytest.raises(AuditTrailIsAppendOnly):
        event.save()


def test_a_stored_event_that_was_read_again_cannot_be_changed(event: AuditEvent) -> None:
    with pytest.raises(AuditTrailIsAppendOnly):
        AuditEvent.objects.get(id=event.id).save()


def test_an_event_cannot_be_deleted(event: AuditEvent) -> None:
    with pytest.raises(AuditTrailIsAppendOnly):
        event.delete()


def test_sets_of_events_can_be_neither_changed_nor_deleted(event: AuditEvent) -> None:
    with pytest.raises(AuditTrailIsAppendOnly):
        AuditEvent.objects.filter(id=event.id).update(action="nothing")
    with pytest.raises(AuditTrailIsAppendOnly):
        AuditEvent.objects.filter(id=event.id).delete()


def test_an_event_outlives_the_person(event: AuditEvent, alice: User) -> None:
    alice.delete()

    assert AuditEvent.objects.get(id=event.id).actor_email == "alice@example.com"
