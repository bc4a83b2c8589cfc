"""That backups and backup policies can be listed, read, set and deleted over HTTP, each only by those whose they are."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.models import Backup, Cluster, Database, Operation
from tenants.models import Tenant
from tests.cast import Api, body_of, problem
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for

Ordered = Callable[..., Operation]
NIGHTLY = {"schedule": "0 2 * * *"}


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready, in a region where there are backups."""
    let_back_up(nowhere)
    return at_rest(ordered())


def policy_url(database: Database) -> str:
    return f"databases/{database.id}/backup-policy"


def test_that_a_backup_shows_what_it_is(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting, note="before the migration", size_bytes=2048, checksum="abc", operation_id=uuid4())

    shown = body_of(api.by(alice).get(f"backups/{backup.id}"))

    assert shown["created_at"]
    assert shown["taken_at"]
    assert {name: shown[name] for name in shown if not name.endswith("_at")} == {
        "id": str(backup.id),
        "tenant": str(resting.tenant_id),
        "database": str(resting.id),
        "database_name": "orders",
        "kind": "manual",
        "state": "succeeded",
        "note": "before the migration",
        "engine": "postgres",
        "version": "17.5",
        "size_bytes": 2048,
        "checksum": "abc",
        "error": None,
        "operation": str(backup.operation_id),
    }


def test_that_what_is_not_known_is_null(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting, state="running", taken_at=None, snapshot=None)

    shown = body_of(api.by(alice).get(f"backups/{backup.id}"))

    assert [shown[name] for name in ("size_bytes", "checksum", "error", "operation", "taken_at")] == [None] * 5


def test_that_the_newest_is_listed_first_and_deleted_ones_not_at_all(api: Api, alice: User, resting: Database) -> None:
    first, second = backup_of(resting), backup_of(resting)
    backup_of(resting, state="deleted")

    everywhere = body_of(api.by(alice).get("backups"))
    of_database = body_of(api.by(alice).get(f"databases/{resting.id}/backups"))

    assert [item["id"] for item in everywhere["items"]] == [str(second.id), str(first.id)]
    assert of_database == everywhere


def test_that_a_deleted_one_can_still_be_read(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting, state="deleted")

    assert body_of(api.by(alice).get(f"backups/{backup.id}"))["state"] == "deleted"


def test_that_backups_of_deleted_databases_are_listed(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting)
    Database.objects.update(is_live=False, state="deleted")

    assert [item["id"] for item in body_of(api.by(alice).get("backups"))["items"]] == [str(backup.id)]


@pytest.mark.parametrize(
    ("query", "count"),
    [({"kind": "scheduled"}, 1), ({"state": "succeeded"}, 1), ({"state": "failed"}, 1), ({"kind": "final"}, 0)],
)
def test_that_the_list_can_be_filtered(
    api: Api, alice: User, resting: Database, query: dict[str, str], count: int
) -> None:
    backup_of(resting, kind="manual", state="succeeded")
    backup_of(resting, kind="scheduled", state="failed")

    assert len(body_of(api.by(alice).get("backups", **query))["items"]) == count


def test_that_the_list_can_be_cut_to_a_tenant_and_to_a_database(
    api: Api, alice: User, shop: Tenant, resting: Database
) -> None:
    backup_of(resting)
    caller = api.by(alice)

    found = [
        len(body_of(caller.get("backups", **query))["items"])
        for query in ({"tenant": shop.id}, {"database": resting.id}, {"tenant": uuid4()}, {"database": uuid4()})
    ]

    assert found == [1, 1, 0, 0]


def test_that_a_list_takes_two_queries_however_long_it_is(
    api: Api, alice: User, resting: Database, django_assert_num_queries: Callable[..., Any]
) -> None:
    for _ in range(3):
        backup_of(resting)
    caller = api.by(alice)

    with django_assert_num_queries(2):
        caller.get("backups")


def test_that_a_filter_must_be_well_formed(api: Api, alice: User) -> None:
    assert problem(api.by(alice).get("backups", database="mine")) == (400, "request.invalid")


def test_that_a_viewer_sees_backups_and_policy_and_changes_neither(api: Api, bob: User, resting: Database) -> None:
    backup, viewer = backup_of(resting), api.by(bob)
    policy_for(resting)

    seen = [viewer.get("backups"), viewer.get(f"backups/{backup.id}"), viewer.get(policy_url(resting))]
    refused = [viewer.delete(f"backups/{backup.id}"), viewer.put(policy_url(resting), NIGHTLY)]

    assert [answer.status_code for answer in seen] == [200, 200, 200]
    assert [problem(answer) for answer in refused] == [(403, "permission.denied")] * 2


def test_that_strangers_find_nothing(api: Api, charlie: User, resting: Database) -> None:
    backup, stranger = backup_of(resting), api.by(charlie)
    policy_for(resting)

    answers = [
        stranger.get(f"backups/{backup.id}"),
        stranger.delete(f"backups/{backup.id}"),
        stranger.get(f"databases/{resting.id}/backups"),
        stranger.get(policy_url(resting)),
        stranger.put(policy_url(resting), NIGHTLY),
    ]

    assert [problem(answer) for answer in answers] == [
        *[(404, "backup.not_found")] * 2,
        *[(404, "database.not_found")] * 3,
    ]
    assert body_of(stranger.get("backups"))["items"] == []
    assert body_of(stranger.get("backups", database=resting.id))["items"] == []


def test_that_deleting_a_backup_is_an_operation(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting)

    answer = api.by(alice).delete(f"backups/{backup.id}")

    operation = body_of(answer)
    assert (answer.status_code, operation["kind"]) == (202, "delete_backup")
    assert answer["Location"] == f"/api/v1/operations/{operation['id']}"
    assert operation["database"]["status"] == "deleting_backup"
    assert Operation.objects.get(kind="delete_backup").params == {"backup": str(backup.id)}


def test_that_a_backup_of_a_deleted_database_can_be_deleted(api: Api, alice: User, resting: Database) -> None:
    backup = backup_of(resting)
    Database.objects.update(is_live=False, state="deleted")

    assert api.by(alice).delete(f"backups/{backup.id}").status_code == 202


@pytest.mark.parametrize("state", ["running", "deleted"])
def test_that_only_what_has_ended_can_be_deleted(api: Api, alice: User, resting: Database, state: str) -> None:
    backup = backup_of(resting, state=state)

    assert problem(api.by(alice).delete(f"backups/{backup.id}")) == (409, "backup.not_deletable")
    assert Database.objects.get().state == "ready"


def test_that_a_deletion_waits_its_turn_and_is_replayed(api: Api, alice: User, resting: Database) -> None:
    one, other = backup_of(resting), backup_of(resting)
    caller = api.by(alice).with_headers(Idempotency_Key="k1")

    first = caller.delete(f"backups/{one.id}")
    again = caller.delete(f"backups/{one.id}")
    meanwhile = api.by(alice).delete(f"backups/{other.id}")

    assert body_of(first)["id"] == body_of(again)["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert problem(meanwhile) == (409, "operation.in_progress")


def test_that_a_database_without_a_policy_says_so(api: Api, alice: User, resting: Database) -> None:
    assert problem(api.by(alice).get(policy_url(resting))) == (404, "backup_policy.not_found")


def test_that_a_policy_shows_what_is_in_force(api: Api, alice: User, resting: Database) -> None:
    policy_for(resting, time_zone="Europe/Berlin", keep_daily=3, is_paused=True)

    assert body_of(api.by(alice).get(policy_url(resting))) == {
        "schedule": "0 2 * * *",
        "time_zone": "Europe/Berlin",
        "keep_last": 7,
        "keep_daily": 3,
        "keep_weekly": 0,
        "keep_monthly": 0,
        "point_in_time": False,
        "is_paused": True,
        "restorable": None,
    }


def test_that_the_window_of_recovery_is_shown_with_the_policy(api: Api, alice: User, resting: Database) -> None:
    now = SYSTEM_CLOCK.now()
    policy_for(resting, point_in_time=True)
    Database.objects.update(restorable_from=now - timedelta(days=1), restorable_until=now)

    window = body_of(api.by(alice).get(policy_url(resting)))["restorable"]

    assert set(window) == {"begins_at", "ends_at"}
    assert window["begins_at"] < window["ends_at"]


def test_that_setting_a_policy_is_an_operation_with_defaults(api: Api, alice: User, resting: Database) -> None:
    answer = api.by(alice).put(policy_url(resting), NIGHTLY)

    assert (answer.status_code, body_of(answer)["kind"]) == (202, "backup_policy")
    assert Operation.objects.get(kind="backup_policy").params == {
        "schedule": "0 2 * * *",
        "time_zone": "UTC",
        "keep_last": 7,
        "keep_daily": 0,
        "keep_weekly": 0,
        "keep_monthly": 0,
        "point_in_time": False,
        "is_paused": False,
    }


BAD_POLICIES = [
    ({}, "schedule", "required"),
    ({"schedule": "every night"}, "schedule", "invalid_schedule"),
    ({"schedule": "* * * * *"}, "schedule", "invalid_schedule"),
    ({**NIGHTLY, "time_zone": "Mars/Phobos"}, "time_zone", "invalid_schedule"),
    ({**NIGHTLY, "keep_last": 0}, "keep_last", "out_of_range"),
    ({**NIGHTLY, "keep_daily": -1}, "keep_daily", "out_of_range"),
    ({**NIGHTLY, "keep_monthly": 1001}, "keep_monthly", "out_of_range"),
    ({**NIGHTLY, "keep_weekly": "some"}, "keep_weekly", "invalid"),
]


@pytest.mark.parametrize(("body", "path", "code"), BAD_POLICIES)
def test_that_a_policy_that_cannot_be_kept_says_what_to_change(
    api: Api, alice: User, resting: Database, body: dict[str, Any], path: str, code: str
) -> None:
    answer = api.by(alice).put(policy_url(resting), body)

    assert answer.status_code == 400, answer.content
    assert [(error["field"], error["code"]) for error in body_of(answer)["errors"]] == [(path, code)]


def test_that_point_in_time_is_offered_only_where_there_is_an_archiver(
    api: Api, alice: User, resting: Database
) -> None:
    caller, body = api.by(alice), {**NIGHTLY, "point_in_time": True}
    Cluster.objects.update(archiver="")

    refused = caller.put(policy_url(resting), body)
    Cluster.objects.update(archiver="dbaas")
    taken = caller.put(policy_url(resting), body)

    assert [error["code"] for error in body_of(refused)["errors"]] == ["not_available"]
    assert taken.status_code == 202


def test_that_a_region_without_storage_takes_no_policy(api: Api, alice: User, resting: Database) -> None:
    Cluster.objects.update(backup_driver="")

    assert problem(api.by(alice).put(policy_url(resting), NIGHTLY)) == (409, "backup.not_available")


def test_that_a_policy_is_not_set_while_another_operation_runs(api: Api, alice: User, resting: Database) -> None:
    api.by(alice).post(f"databases/{resting.id}/restart")

    assert problem(api.by(alice).put(policy_url(resting), NIGHTLY)) == (409, "operation.in_progress")
    assert not Backup.objects.exists()
