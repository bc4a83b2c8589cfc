"""That filters let through what they say."""

import pytest

from webhooks.catalogue import EVENTS, filters, matches


@pytest.mark.parametrize(
    ("chosen", "kind", "expected"),
    [
        (["*"], "backup.missed", True),
        (["backup.*"], "backup.missed", True),
        (["backup.missed"], "backup.missed", True),
        (["operation.failed", "backup.missed"], "backup.missed", True),
        (["operation.*"], "backup.missed", False),
        (["backup.failed"], "backup.missed", False),
        ([], "backup.missed", False),
    ],
)
def test_that_a_filter_lets_through_what_it_names(chosen: list[str], kind: str, expected: bool) -> None:
    assert matches(chosen, kind) is expected


def test_that_every_filter_lets_something_through() -> None:
    assert [one for one in filters() if not any(matches([one], kind) for kind in EVENTS)] == []
    assert len(filters()) == len(set(filters()))
