import hashlib
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import AuditChain, AuditEvent
from accounts.trail import sealing
from accounts.trail.chain import BEGINNING, content_of, digest_of
from accounts.trail.sealing import log_heads, rows, seal, seal_all

Act = Callable[..., AuditEvent]


@pytest.mark.django_db
def test_events_are_linked_in_the_order_in_which_they_were_made(act: Act) -> None:
    made = [act().id for _ in range(3)]

    assert seal_all() == 3

    sealed = AuditEvent.objects.order_by("position")
    assert [(event.id, event.position) for event in sealed] == [(id_, n) for n, id_ in enumerate(made, 1)]


@pytest.mark.django_db
def test_each_tenant_has_a_chain_of_its_own(act: Act) -> None:
    tenant_id = uuid4()
    act(), act(tenant_id=tenant_id), act(tenant_id=tenant_id)

    seal_all()

    found = dict(AuditChain.objects.values_list("name", "head_position"))
    assert found == {"platform": 1, str(tenant_id): 2}


@pytest.mark.django_db
def test_the_digest_is_what_the_documentation_says(act: Act) -> None:
    act(), act()

    seal_all()

    first, second = AuditEvent.objects.order_by("position")
    canonical = json.dumps(content_of(second), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    by_hand = hashlib.sha256(f"{first.digest}\nplatform\n2\n{canonical}".encode()).hexdigest()
    assert second.digest == by_hand


@pytest.mark.django_db
def test_sealing_again_does_nothing(act: Act) -> None:
    act()
    seal_all()
    before = list(AuditEvent.objects.values_list("position", "digest"))

    assert seal_all() == 0
    assert seal("platform") == 0

    assert list(AuditEvent.objects.values_list("position", "digest")) == before


@pytest.mark.django_db
def test_an_event_that_comes_late_gets_the_next_place(act: Act) -> None:
    late = act()
    rows().filter(id=late.id).update(chain="not there yet")
    act()
    seal("platform")
    rows().filter(id=late.id).update(chain="platform")

    seal("platform")

    assert AuditEvent.objects.get(id=late.id).position == 2


@pytest.mark.django_db
def test_more_events_than_one_batch_are_sealed_at_once(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_BATCH", 2)
    for _ in range(5):
        act()

    assert seal("platform") == 5


def test_sealers_at_the_same_moment_make_one_chain(at_once: Any, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_BATCH", 3)
    for _ in range(30):
        act()

    at_once([seal_all] * 4)
    seal_all()

    positions = AuditEvent.objects.order_by("position").values_list("position", flat=True)
    assert list(positions) == list(range(1, 31))


@pytest.mark.django_db
def test_a_sealer_that_finds_the_head_moved_leaves_its_batch(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    act()
    first = AuditEvent.objects.get()
    original = digest_of

    def moved_meanwhile(*args: Any, **kwargs: Any) -> str:
        AuditChain.objects.filter(name="platform").update(head_position=7)
        return original(*args, **kwargs)

    monkeypatch.setattr(sealing, "digest_of", moved_meanwhile)

    assert seal("platform") == 0
    first.refresh_from_db()
    assert first.position is None


@pytest.mark.django_db
def test_a_sealer_that_finds_its_event_sealed_leaves_its_batch(act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    event = act()
    original = digest_of

    def sealed_meanwhile(*args: Any, **kwargs: Any) -> str:
        rows().filter(id=event.id).update(position=9)
        return original(*args, **kwargs)

    monkeypatch.setattr(sealing, "digest_of", sealed_meanwhile)

    assert seal("platform") == 0
    assert AuditChain.objects.get().head_digest == BEGINNING


@pytest.mark.django_db
def test_heads_are_written_to_the_log(act: Act, caplog: pytest.LogCaptureFixture) -> None:
    act()
    seal_all()

    log_heads()

    chain = AuditChain.objects.get()
    assert chain.head_digest in caplog.text
    assert "platform" in caplog.text
