"""That what looks at the end of a storm sees what it is there to see: each broken promise, and none where all is well."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.proof.storm.customers import Ledger, Promise
from tests.proof.storm.invariants import broken_timelines, cluster_disagrees, leaks, passwords_in, promises_broken
from tests.proof.storm.metadata import MetadataDatabase, Row
from tests.proof.storm.sampling import backward_steps

OPERATION = "0190a000-0000-7000-8000-000000000001"
DATABASE = "0190a000-0000-7000-8000-0000000000d1"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Rows(MetadataDatabase):
    """A metadata database that holds these rows, whatever it is asked."""

    def __init__(self, *held: Row) -> None:
        self.held = list(held)

    def rows(self, statement: str, **values: object) -> list[Row]:
        del statement, values
        return self.held


def operation(**changes: Any) -> Row:
    row = {"id": OPERATION, "kind": "scale", "state": "succeeded", "lease_token": 2, "event_seq": 3, "finished_at": NOW}
    return {**row, "database_id": DATABASE, **changes}


def event(seq: int, name: str, token: int) -> Row:
    return {"operation_id": OPERATION, "seq": seq, "event": name, "lease_token": token}


def database(**changes: Any) -> Row:
    row = {
        "id": DATABASE,
        "engine": "mysql",
        "state": "ready",
        "object_uid": "u1",
        "phase": "Ready",
        "version": "8.4.8",
    }
    sizes = {"cpu_millicores": 1000, "memory_mib": 2048, "storage_gib": 10}
    return {**row, **sizes, "topology": {"mode": "standalone"}, **changes}


def custom_resource(**changes: Any) -> dict[str, Any]:
    limits = {"cpu": "1", "memory": "2Gi"}
    return {
        "kind": "MySQL",
        "metadata": {"name": "my-1", "uid": "u1", "labels": {"dbaas/database-id": DATABASE}, **changes},
        "spec": {
            "version": "8.4.8",
            "podTemplate": {"spec": {"containers": [{"name": "mysql", "resources": {"limits": limits}}]}},
            "storage": {"resources": {"requests": {"storage": "10Gi"}}},
        },
        "status": {"phase": "Ready"},
    }


TIMELINE = [event(1, "accepted", 0), event(2, "done", 1), event(3, "succeeded", 2)]


def test_that_a_whole_timeline_is_not_called_broken() -> None:
    assert broken_timelines({OPERATION: operation()}, TIMELINE) == []


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([TIMELINE[0], TIMELINE[2]], "numbers"),
        ([TIMELINE[0], event(2, "done", 2), event(3, "succeeded", 1)], "tokens"),
        ([*TIMELINE[:2], event(3, "succeeded", 9)], "tokens"),
        ([*TIMELINE[:2], event(3, "retried", 2)], "last line"),
    ],
)
def test_that_a_broken_timeline_is_seen(events: list[Row], word: str) -> None:
    (found,) = broken_timelines({OPERATION: operation()}, events)

    assert word in found


@pytest.mark.parametrize(
    ("now", "word"),
    [
        (operation(lease_token=1), "token fell"),
        (operation(event_seq=2), "timeline fell"),
        (operation(state="running"), "is running now"),
        (operation(event_seq=4), "ended as succeeded"),
    ],
)
def test_that_a_step_backward_is_seen(now: Row, word: str) -> None:
    found = backward_steps(operation(), now)

    assert any(word in one for one in found), found


def test_that_a_step_forward_is_none_backward() -> None:
    assert backward_steps(operation(state="running", lease_token=1, event_seq=2), operation()) == []


def test_that_a_lost_operation_and_a_key_of_two_are_seen() -> None:
    ledger = Ledger()
    ledger.promises["other"] = Promise(operation="other", kind="scale", database=DATABASE, tenant="t", key="k")
    ledger.by_key["k"] = {"other", "another"}

    found = promises_broken(ledger, Rows(operation()))

    assert ["stands for" in found[0], "not there" in found[1], "nobody was told" in found[2]] == [True] * 3


def test_that_a_database_as_recorded_agrees() -> None:
    assert cluster_disagrees(Rows(database()), [custom_resource()]) == []


@pytest.mark.parametrize(
    ("row", "bodies", "word"),
    [
        (database(), [], "has 0 objects"),
        (database(), [custom_resource(), custom_resource()], "has 2 objects"),
        (database(state="deleted"), [custom_resource()], "orphan"),
        (database(id="0190a000-0000-7000-8000-0000000000d2", state="deleted"), [custom_resource()], "no such database"),
        (database(object_uid="u0"), [custom_resource()], "not the one"),
        (database(), [custom_resource(deletionTimestamp="2026-01-31T12:00:00Z")], "not the one"),
        (database(phase="Critical"), [custom_resource()], "its row says Critical"),
        (database(storage_gib=11), [custom_resource()], "the row has"),
        (database(state="changing"), [custom_resource()], "rests as changing"),
    ],
)
def test_that_a_cluster_that_disagrees_is_seen(row: Row, bodies: list[dict[str, Any]], word: str) -> None:
    found = cluster_disagrees(Rows(row), bodies)

    assert any(word in one for one in found), found


def test_that_a_secret_in_a_text_is_seen_and_not_repeated() -> None:
    secret = {"kind": "Secret", "data": {"password": "aHVudGVyMmh1bnRlcjI="}}

    (found,) = leaks(passwords_in([secret]), {"worker.log": "... hunter2hunter2 ...", "web.log": "nothing"})

    assert "worker.log" in found
    assert "hunter2hunter2" not in found
