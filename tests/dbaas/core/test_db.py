"""That a transaction is one on the database that these tests run on, and that a database on which it is none is found out."""

import logging
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from dbaas.core.db import RollbackDoesNotWork, after_commit, atomic, in_transaction, prove_rollback

pytestmark = pytest.mark.django_db(transaction=True)


def write(key: str = "k") -> None:
    Session(session_key=key, session_data="", expire_date=timezone.now()).save(force_insert=True)


def fail_after(action: Callable[[], None]) -> None:
    with atomic():
        action()
        raise ZeroDivisionError


def is_written() -> bool:
    return Session.objects.exists()


def test_that_a_block_that_raises_leaves_nothing() -> None:
    with pytest.raises(ZeroDivisionError):
        fail_after(write)

    assert not is_written()


def test_that_a_block_that_ends_is_kept() -> None:
    with atomic():
        write()

    assert is_written()


def test_that_the_proof_passes_here_and_leaves_nothing() -> None:
    prove_rollback(write, is_written)

    assert not is_written()


def test_that_a_write_that_survives_its_rollback_is_found_out() -> None:
    write()

    with pytest.raises(RollbackDoesNotWork, match="replica set"):
        prove_rollback(lambda: None, is_written)


def test_that_the_proof_hides_no_other_error() -> None:
    with pytest.raises(ZeroDivisionError):
        prove_rollback(lambda: [][1 // 0], is_written)


def test_that_it_is_known_whether_a_transaction_is_open() -> None:
    with atomic():
        inside = in_transaction()

    assert (inside, in_transaction()) == (True, False)


def test_that_a_nudge_goes_out_after_the_commit_only() -> None:
    seen: list[tuple[str, bool]] = []

    with atomic():
        after_commit(lambda: seen.append(("nudge", in_transaction())))
        seen.append(("work", in_transaction()))

    assert seen == [("work", True), ("nudge", False)]


def test_that_what_was_rolled_back_sends_no_nudge() -> None:
    nudges: list[int] = []

    with pytest.raises(ZeroDivisionError):
        fail_after(lambda: after_commit(lambda: nudges.append(1)))

    assert nudges == []


def test_that_a_nudge_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    later: list[int] = []

    with caplog.at_level(logging.ERROR), atomic():
        write()
        after_commit(lambda: later.append(1 // 0))
        after_commit(lambda: later.append(1))

    assert is_written()
    assert later == [1]
    assert "ZeroDivisionError" in caplog.text
