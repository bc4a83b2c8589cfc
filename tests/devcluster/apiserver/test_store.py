"""The store: history, compaction, restart."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from devcluster.apiserver.errors import Body
from devcluster.apiserver.store import Event, Key, Store

ONE, TWO = Key("things", "ns", "one"), Key("things", "ns", "two")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "objects.sqlite3")
    yield store
    store.close()


def thing(value: int) -> Body:
    return {"metadata": {"uid": f"uid-{value}"}, "value": value}


def values(rows: list[tuple[Key, bytes]]) -> dict[str, int]:
    return {key.name: orjson.loads(body)["value"] for key, body in rows}


def test_that_the_past_is_rebuilt_from_the_history(store: Store) -> None:
    store.put(ONE, thing(1))
    then = store.revision
    store.put(ONE, thing(2))
    store.put(TWO, thing(3))
    store.remove(ONE, thing(2))

    assert values(store.list_at("things", "", then)) == {"one": 1}
    assert values(store.list_objects("things")) == {"two": 3}


def test_that_compaction_forgets_the_old_and_keeps_the_new(store: Store) -> None:
    for value in range(10):
        store.put(ONE, thing(value))

    store.compact(keep=3, max_age_seconds=1000)

    assert store.compacted == store.revision - 3
    assert len(store.events_after(store.compacted, "things")) == 3
    assert store.get(ONE) is not None


def test_that_compaction_by_age_forgets_everything_old(store: Store) -> None:
    store.put(ONE, thing(1))

    store.compact(keep=1000, max_age_seconds=-1)

    assert store.compacted == store.revision
    assert store.events_after(0, "things") == []


def test_that_numbers_never_fall_over_a_restart(tmp_path: Path, store: Store) -> None:
    store.put(ONE, thing(1))
    store.remove(ONE, thing(1))
    store.compact(keep=0, max_age_seconds=1000)
    again = Store(tmp_path / "objects.sqlite3")

    again.put(TWO, thing(2))

    assert again.compacted == store.revision
    assert again.revision == store.revision + 1
    again.close()


def test_that_listeners_hear_what_was_and_what_is(store: Store) -> None:
    heard: list[Event] = []
    store.on_change(heard.append)

    store.put(ONE, thing(1))
    store.put(ONE, thing(2))
    store.remove(ONE, thing(2))

    assert [event.type for event in heard] == ["ADDED", "MODIFIED", "DELETED"]
    assert [event.previous is None for event in heard] == [True, False, False]
    assert [event.revision for event in heard] == [2, 3, 4]
