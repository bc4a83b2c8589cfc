from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.models import AuditChain, AuditEvent
from accounts.trail import retention
from accounts.trail.retention import remove_older_than
from accounts.trail.sealing import rows, seal_all
from accounts.trail.verification import verify_all
from dbaas.core.clock import SYSTEM_CLOCK

Act = Callable[..., AuditEvent]
pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


def _aged(events: list[AuditEvent], age: timedelta) -> None:
    for event in events:
        rows().filter(id=event.id).update(at=SYSTEM_CLOCK.now() - age)


def _remove() -> int:
    return remove_older_than(YEAR, now=SYSTEM_CLOCK.now())


def test_old_events_go_and_the_rest_stays_verifiable(act: Act) -> None:
    _aged([act() for _ in range(3)], YEAR * 2)
    act(), act()
    seal_all()

    assert _remove() == 3
    seal_all()

    assert list(verify_all({})) == []
    assert list(AuditEvent.objects.order_by("position").values_list("position", flat=True)) == [4, 5, 6]
    shortened = AuditEvent.objects.get(position=6)
    assert (shortened.action, shortened.detail["from"], shortened.detail["to"]) == ("audit_log.shortened", 1, 3)


def test_nothing_goes_from_the_middle(act: Act) -> None:
    act()
    _aged([act()], YEAR * 2)
    seal_all()

    assert _remove() == 0


def test_the_newest_event_stays_however_old(act: Act) -> None:
    _aged([act(), act()], YEAR * 2)
    seal_all()

    assert _remove() == 1
    assert _remove() == 0


def test_events_that_are_not_sealed_stay(act: Act) -> None:
    _aged([act(), act()], YEAR * 2)

    assert _remove() == 0


def test_many_go_in_batches(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 2)
    tenant_id = uuid4()
    _aged([act(tenant_id=tenant_id) for _ in range(6)], YEAR * 2)
    seal_all()

    assert _remove() == 5
    seal_all()

    assert list(verify_all({})) == []
    assert AuditEvent.objects.filter(action="audit_log.shortened", tenant_id=tenant_id).count() == 3


def test_who_finds_the_beginning_moved_removes_nothing(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    _aged([act(), act()], YEAR * 2)
    seal_all()
    original = retention._last_removable

    def moved_meanwhile(chain: AuditChain, **kwargs: object) -> int:
        AuditChain.objects.update(removed_position=1)
        return original(chain, **kwargs)  # type: ignore[arg-type] # handed on as it came

    monkeypatch.setattr(retention, "_last_removable", moved_meanwhile)

    assert _remove() == 0
    assert AuditEvent.objects.filter(position__isnull=False).count() == 2


def test_where_the_event_to_link_to_is_missing_nothing_is_removed(act: Act) -> None:
    old = [act() for _ in range(3)]
    _aged(old, YEAR * 2)
    act()
    seal_all()
    rows().filter(id=old[2].id).delete()

    assert _remove() == 0
    assert [fault.position for fault in verify_all({})] == [3]


def test_an_event_put_where_retention_removed_all_is_found(act: Act) -> None:
    _aged([act()], YEAR * 2)
    act()
    seal_all()
    _remove()
    seal_all()
    intruder = act()
    rows().filter(id=intruder.id).update(position=1)

    assert [fault.what for fault in verify_all({})] == [f"event {intruder.id} stands where retention removed all"]
