import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditChain, AuditEvent
from accounts.trail import verification
from accounts.trail.sealing import rows, seal_all
from accounts.trail.verification import Fault, Head, verify, verify_all

Act = Callable[..., AuditEvent]
pytestmark = pytest.mark.django_db


@pytest.fixture
def sealed(act: Act) -> list[AuditEvent]:
    """Five sealed events of one chain, in order."""
    for _ in range(5):
        act()
    seal_all()
    return list(AuditEvent.objects.order_by("position"))


def _command(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_audit", *arguments, stdout=out)
    return out.getvalue()


def _faults() -> list[str]:
    return [str(fault) for fault in verify_all({})]


def test_an_untouched_trail_is_whole(sealed: list[AuditEvent], act: Act) -> None:
    act()

    assert _command() == "The audit trail is whole; 1 chains, 1 events not sealed yet.\n"
    assert sealed


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_email", "mallory@example.com"),
        ("action", "nothing"),
        ("object_id", "2"),
        ("outcome", "refused"),
        ("address", "203.0.113.66"),
        ("request_id", "other"),
        ("detail", {"a": 2}),
        ("via", "api_key"),
        ("actor_id", None),
        ("credential_id", uuid4()),
        ("tenant_id", uuid4()),
        ("digest", "0" * 64),
    ],
)
def test_a_changed_event_is_found(sealed: list[AuditEvent], column: str, value: object) -> None:
    rows().filter(id=sealed[2].id).update(**{column: value})

    found = _faults()

    assert f"chain platform, position 3: event {sealed[2].id}" in found[0]


def test_a_changed_time_is_found(sealed: list[AuditEvent]) -> None:
    rows().filter(id=sealed[2].id).update(at=sealed[0].at.replace(year=2020))

    assert [fault.position for fault in verify("platform")] == [3]


@pytest.mark.parametrize("gone", [[0], [2], [1, 2], [3, 4], [4], [0, 1, 2, 3, 4]])
def test_removed_events_are_found_wherever_they_stood(sealed: list[AuditEvent], gone: list[int]) -> None:
    rows().filter(id__in=[sealed[index].id for index in gone]).delete()

    found = list(verify("platform"))

    assert found[0].position == gone[0] + 1
    assert "missing" in found[0].what


def test_an_event_sealed_in_place_of_a_removed_one_is_found(sealed: list[AuditEvent], act: Act) -> None:
    rows().filter(id=sealed[2].id).delete()
    rows().filter(id=act().id).update(position=3, digest=sealed[2].digest)

    assert [fault.position for fault in verify("platform")] == [3]


def test_two_events_that_changed_places_are_found(sealed: list[AuditEvent]) -> None:
    rows().filter(id=sealed[1].id).update(position=99)
    rows().filter(id=sealed[2].id).update(position=2)
    rows().filter(id=sealed[1].id).update(position=3)

    assert _faults() != []


def test_a_head_that_was_moved_back_with_the_events_shows_against_an_earlier_one(sealed: list[AuditEvent]) -> None:
    before = Head(position=5, digest=sealed[4].digest)
    rows().filter(position__gt=3).delete()
    AuditChain.objects.update(head_position=3, head_digest=sealed[2].digest)

    assert _faults() == []
    assert [fault.what for fault in verify("platform", before)] == [
        "the chain ends here, but reached position 5 before"
    ]


def test_a_chain_that_was_computed_anew_shows_against_an_earlier_head(sealed: list[AuditEvent]) -> None:
    before = Head(position=5, digest=sealed[4].digest)
    rows().filter(id=sealed[1].id).update(action="nothing")
    rows().update(position=None, digest="")
    AuditChain.objects.all().delete()
    seal_all()

    assert _faults() == []
    assert [fault.position for fault in verify("platform", before)] == [5]


def test_a_head_with_another_digest_is_found(sealed: list[AuditEvent]) -> None:
    AuditChain.objects.update(head_digest="f" * 64)

    assert [fault.position for fault in verify("platform")] == [5]
    assert sealed


def test_a_chain_without_its_record_is_found(sealed: list[AuditEvent]) -> None:
    AuditChain.objects.all().delete()

    assert [fault.chain for fault in verify_all({})] == ["platform"]
    assert sealed


def test_a_chain_that_vanished_wholly_shows_against_an_earlier_head() -> None:
    found = list(verify_all({"gone": Head(position=1, digest="0" * 64)}))

    assert [fault.chain for fault in found] == ["gone"]


def test_the_command_says_which_event_and_ends_with_1(sealed: list[AuditEvent]) -> None:
    rows().filter(id=sealed[2].id).update(action="nothing")
    out = StringIO()

    with pytest.raises(CommandError, match="1 faults") as failure:
        call_command("verify_audit", stdout=out)

    assert failure.value.returncode == 1
    assert str(sealed[2].id) in out.getvalue()


def test_heads_that_were_printed_can_be_held_against_later(sealed: list[AuditEvent], act: Act, tmp_path: Path) -> None:
    kept = tmp_path / "heads.json"
    kept.write_text(_command("--print-heads"))
    act()
    seal_all()

    assert json.loads(kept.read_text())["platform"]["position"] == 5
    assert "whole" in _command("--expect", str(kept))
    assert sealed


@pytest.mark.parametrize("content", ["", "[]", '{"platform": 5}', '{"platform": {"position": 5}}'])
def test_a_file_that_holds_no_heads_is_refused(tmp_path: Path, content: str) -> None:
    kept = tmp_path / "heads.json"
    kept.write_text(content)

    with pytest.raises(CommandError, match="not what --print-heads printed"):
        _command("--expect", str(kept))


def test_what_retention_removes_meanwhile_is_no_fault(
    sealed: list[AuditEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = verification._along

    def shortened_meanwhile(chain: AuditChain, expected: Head | None) -> Iterator[Fault]:
        rows().filter(position__lte=2).delete()
        AuditChain.objects.update(removed_position=2, removed_digest=sealed[1].digest)
        return original(chain, expected)

    monkeypatch.setattr(verification, "_along", shortened_meanwhile)

    assert list(verify("platform")) == []
