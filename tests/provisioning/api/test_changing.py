"""That what needs no work in the cluster can be changed at once with PATCH, settings by an operation, and how a database is let go."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.models import Cluster, Database, Operation
from tests.cast import Api, body_of, problem
from tests.provisioning.rows import at_rest, let_back_up

Ordered = Callable[..., Operation]
WINDOW = {"weekday": "sunday", "starts_at": "03:30", "hours": 2}


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready, in a region where there are backups."""
    let_back_up(nowhere)
    return at_rest(ordered())


def patch(api: Api, database: Database, **fields: Any) -> Any:
    return api.patch(f"databases/{database.id}", fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("display_name", "Orders of the shop"),
        ("display_name", ""),
        ("labels", {"team": "a"}),
        ("deletion_protection", True),
        ("deletion_policy", "keep_volumes"),
        ("maintenance_window", WINDOW),
        ("maintenance_window", None),
        ("expires_at", "2126-01-31T12:00:00.000Z"),
        ("expires_at", None),
    ],
)
def test_that_each_field_changes_at_once(api: Api, alice: User, resting: Database, name: str, value: Any) -> None:
    answer = patch(api.by(alice), resting, **{name: value})

    assert answer.status_code == 200, answer.content
    assert body_of(answer)[name] == value
    read = api.by(alice).get(f"databases/{resting.id}")
    assert body_of(read)[name] == value
    assert read["ETag"] == answer["ETag"]
    assert not Operation.objects.exclude(kind="provision").exists()


def test_that_several_fields_change_together_and_the_others_stay(api: Api, alice: User, resting: Database) -> None:
    patch(api.by(alice), resting, labels={"team": "a"}, deletion_protection=True)

    answer = patch(api.by(alice), resting, display_name="Orders", maintenance_window=WINDOW)

    shown = body_of(answer)
    assert (shown["labels"], shown["deletion_protection"]) == ({"team": "a"}, True)
    assert (shown["display_name"], shown["maintenance_window"]) == ("Orders", WINDOW)


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"display_name": "x" * 121}, "display_name", "max_length"),
        ({"labels": {"-": "x"}}, "labels.-", "invalid_label"),
        ({"deletion_protection": None}, "deletion_protection", "null"),
        ({"deletion_policy": "halt"}, "deletion_policy", "invalid_choice"),
        ({"maintenance_window": {**WINDOW, "weekday": "someday"}}, "maintenance_window.weekday", "invalid_window"),
        ({"maintenance_window": {**WINDOW, "starts_at": "24:00"}}, "maintenance_window.starts_at", "invalid_window"),
        ({"maintenance_window": {**WINDOW, "hours": 25}}, "maintenance_window.hours", "invalid_window"),
        ({"maintenance_window": {**WINDOW, "hours": 0}}, "maintenance_window.hours", "invalid_window"),
        ({"expires_at": "2020-01-31T12:00:00Z"}, "expires_at", "in_the_past"),
        ({"expires_at": "soon"}, "expires_at", "invalid"),
        ({"parameters": []}, "parameters", "not_a_dict"),
        ({"parameters": {"fsync": "off"}}, "parameters.fsync", "unknown_parameter"),
    ],
)
def test_that_a_bad_value_is_named_and_nothing_changes(
    api: Api, alice: User, resting: Database, fields: dict[str, Any], path: str, code: str
) -> None:
    answer = patch(api.by(alice), resting, **fields)

    assert answer.status_code == 400, answer.content
    assert [(error["field"], error["code"]) for error in body_of(answer)["errors"]] == [(path, code)]
    assert Database.objects.get().row_version == resting.row_version


def test_that_a_window_is_whole_or_refused(api: Api, alice: User, resting: Database) -> None:
    answer = patch(api.by(alice), resting, maintenance_window={"weekday": "sunday"})

    assert answer.status_code == 400
    assert {error["field"] for error in body_of(answer)["errors"]} == {
        "maintenance_window.starts_at",
        "maintenance_window.hours",
    }


def test_that_a_new_end_is_told_of_again(api: Api, alice: User, resting: Database) -> None:
    now = SYSTEM_CLOCK.now()
    Database.objects.update(expires_at=now + timedelta(hours=1), expiry_told_at=now)

    patch(api.by(alice), resting, expires_at="2126-01-31T12:00:00Z")

    assert Database.objects.get().expiry_told_at is None


def test_that_settings_are_an_operation(api: Api, alice: User, resting: Database) -> None:
    answer = patch(api.by(alice), resting, parameters={"max_connections": 200})

    operation = body_of(answer)
    assert (answer.status_code, operation["kind"]) == (202, "reconfigure")
    assert answer["Location"] == f"/api/v1/operations/{operation['id']}"
    assert operation["database"]["status"] == "reconfiguring"


def test_that_settings_and_the_rest_are_accepted_together(api: Api, alice: User, resting: Database) -> None:
    answer = patch(api.by(alice), resting, parameters={"max_connections": 200}, labels={"team": "a"})

    assert answer.status_code == 202
    assert Database.objects.get().labels == {"team": "a"}


def test_that_settings_that_are_refused_leave_the_rest_alone(api: Api, alice: User, resting: Database) -> None:
    answer = patch(api.by(alice), resting, parameters={"max_connections": 0}, labels={"team": "a"})

    assert answer.status_code == 400
    assert Database.objects.get().labels == {}


def test_that_a_bad_label_keeps_the_settings_from_being_asked_for(api: Api, alice: User, resting: Database) -> None:
    answer = patch(api.by(alice), resting, parameters={"max_connections": 200}, labels={"-": "x"})

    assert answer.status_code == 400
    assert Database.objects.get().state == "ready"
    assert not Operation.objects.filter(kind="reconfigure").exists()


def test_that_a_replay_changes_nothing_again(api: Api, alice: User, resting: Database) -> None:
    caller = api.by(alice).with_headers(Idempotency_Key="k1")
    body = {"parameters": {"max_connections": 200}, "labels": {"team": "a"}}
    first = patch(caller, resting, **body)
    patch(api.by(alice), resting, labels={"team": "b"})

    again = patch(caller, resting, **body)

    assert body_of(again)["id"] == body_of(first)["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert Database.objects.get().labels == {"team": "b"}


def test_that_settings_wait_for_the_running_operation(api: Api, alice: User, resting: Database) -> None:
    api.by(alice).post(f"databases/{resting.id}/restart")

    at_once = patch(api.by(alice), resting, display_name="Orders")
    refused = patch(api.by(alice), resting, parameters={"max_connections": 200}, labels={"team": "a"})

    assert at_once.status_code == 200
    assert problem(refused) == (409, "operation.in_progress")
    assert Database.objects.get().labels == {}


def test_that_a_viewer_changes_nothing(api: Api, bob: User, resting: Database) -> None:
    answers = [patch(api.by(bob), resting, labels={}), patch(api.by(bob), resting, parameters={"work_mem": 64})]

    assert [problem(answer) for answer in answers] == [(403, "permission.denied")] * 2


def test_that_a_stranger_finds_nothing_to_change(api: Api, charlie: User, resting: Database) -> None:
    stranger = api.by(charlie)

    assert problem(patch(stranger, resting, labels={})) == (404, "database.not_found")
    assert problem(stranger.delete(f"databases/{resting.id}?backups=delete")) == (404, "database.not_found")


@pytest.mark.parametrize(
    ("query", "backups", "final_backup"),
    [
        ("", "keep", False),
        ("?backups=keep", "keep", False),
        ("?backups=delete", "delete", False),
        ("?final_backup=true", "keep", True),
        ("?backups=delete&final_backup=true", "delete", True),
    ],
)
def test_that_a_deletion_says_what_becomes_of_the_backups(
    api: Api, alice: User, resting: Database, query: str, backups: str, final_backup: bool
) -> None:
    answer = api.by(alice).delete(f"databases/{resting.id}{query}")

    assert answer.status_code == 202
    params = Operation.objects.get(kind="delete").params
    assert (params["backups"], params["final_backup"]) == (backups, final_backup)


@pytest.mark.parametrize("query", ["?backups=some", "?final_backup=perhaps"])
def test_that_an_unknown_wish_deletes_nothing(api: Api, alice: User, resting: Database, query: str) -> None:
    assert problem(api.by(alice).delete(f"databases/{resting.id}{query}")) == (400, "request.invalid")
    assert Database.objects.get().state == "ready"


@pytest.mark.parametrize("state", ["paused", "failed"])
def test_that_a_final_backup_needs_a_database_that_is_ready(
    api: Api, alice: User, resting: Database, state: str
) -> None:
    Database.objects.update(state=state)

    with_backup = api.by(alice).delete(f"databases/{resting.id}?final_backup=true")
    without = api.by(alice).delete(f"databases/{resting.id}")

    assert problem(with_backup) == (409, "database.wrong_state")
    assert without.status_code == 202


def test_that_of_a_database_that_is_not_made_yet_no_final_backup_is_taken(
    api: Api, alice: User, nowhere: Cluster, ordered: Ordered
) -> None:
    let_back_up(nowhere)
    database_id = ordered().database_id

    answer = api.by(alice).delete(f"databases/{database_id}?final_backup=true")

    assert problem(answer) == (409, "database.wrong_state")


def test_that_a_final_backup_can_be_asked_for_while_an_operation_runs(api: Api, alice: User, resting: Database) -> None:
    api.by(alice).post(f"databases/{resting.id}/restart")

    assert api.by(alice).delete(f"databases/{resting.id}?final_backup=true").status_code == 202


def test_that_a_region_without_storage_takes_no_final_backup(api: Api, alice: User, resting: Database) -> None:
    Cluster.objects.update(backup_driver="")

    answer = api.by(alice).delete(f"databases/{resting.id}?final_backup=true")

    assert problem(answer) == (409, "backup.not_available")
