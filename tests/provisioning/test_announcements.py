"""That webhooks are told what happens to operations, databases and backups, once each, under the ids that the API shows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.crash import CrashPointReached, armed
from provisioning.announcements import announce_state
from provisioning.backups.driver import Outcome
from provisioning.copies import note_copies
from provisioning.models import Backup, Cluster, Database, DatabaseEvent, Operation, OperationEvent
from provisioning.services import control
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import Farewell, delete_database
from provisioning.states import DatabaseState, OperationState
from provisioning.upkeep import tell
from tenants.models import Tenant
from tests.cast import Api, acting, body_of
from tests.provisioning.rows import at_rest, backup_of, let_back_up
from tests.provisioning.stage import Stage
from tests.provisioning.test_copies import seen
from tests.provisioning.test_settlement import settled
from tests.webhooks.cast import webhook_of
from webhooks.catalogue import EVENTS
from webhooks.models import Event

Ordered = Callable[..., Operation]


@pytest.fixture(autouse=True)
def listening(alice: User, shop: Tenant) -> None:
    """A webhook of the tenant `shop` that wants everything."""
    webhook_of(alice, shop)


def told() -> list[str]:
    return list(Event.objects.order_by("at", "pk").values_list("kind", flat=True))


def content(kind: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(Event.objects.get(kind=kind).body)
    return document


def test_that_an_order_is_told_from_its_acceptance_to_its_end(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()

    ended = stage.play(operation)

    assert ended.state == OperationState.SUCCEEDED
    assert sorted(told()) == ["database.ready", "operation.accepted", "operation.succeeded"]
    body = content("operation.succeeded")
    assert body["data"]["operation"] == {
        "id": str(operation.id),
        "kind": "provision",
        "state": "succeeded",
        "error": None,
    }
    assert body["data"]["database"] == {
        "id": str(operation.database_id),
        "name": operation.database.name,
        "engine": operation.database.engine,
    }


def test_that_the_ids_are_those_of_the_timeline_and_of_the_events_that_the_api_shows(
    api: Api, alice: User, ordered: Ordered, stage: Stage
) -> None:
    operation = ordered()
    stage.play(operation)
    tell(operation.database, "key", "ExpiresSoon", "Soon.", is_warning=True, now=SYSTEM_CLOCK.now())

    sent = set(Event.objects.exclude(kind="database.ready").values_list("pk", flat=True))
    shown = body_of(api.by(alice).get(f"databases/{operation.database_id}/events", limit=200))["items"]

    lines = OperationEvent.objects.filter(operation=operation, event__in=["accepted", "succeeded"])
    assert sent == {*(line.pk for line in lines), DatabaseEvent.objects.get().pk}
    assert {str(identifier) for identifier in sent} <= {event["id"] for event in shown}


def test_that_a_cancelled_order_is_told_as_such(alice: User, ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    control.cancel(acting(alice), operation.id)

    stage.play(operation)

    assert sorted(told()) == ["database.failed", "operation.accepted", "operation.cancelled"]
    assert content("operation.cancelled")["data"]["operation"]["state"] == "cancelled"


def test_that_what_was_not_saved_is_not_told(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()

    def crash(name: str) -> None:
        if name == "advance.before_commit":
            raise CrashPointReached

    with pytest.raises(CrashPointReached), armed(crash):
        stage.play(operation)

    assert told() == ["operation.accepted"]


def test_that_a_stuck_operation_is_told_with_its_reason(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    Operation.objects.filter(pk=operation.pk).update(step="no_such_step", state=OperationState.RUNNING)

    stage.work(operation)

    body = content("operation.stuck")
    assert body["data"]["operation"]["state"] == "stuck"
    assert body["data"]["operation"]["error"]["code"] == "operation.unknown_step"


def test_that_a_deletion_ends_with_the_database_s_end(alice: User, ordered: Ordered, stage: Stage) -> None:
    database = stage.play(ordered()).database
    Event.objects.all().delete()

    stage.play(delete_database(acting(alice), database.id, Idempotency(), Farewell()).operation)

    assert sorted(told()) == ["database.deleted", "operation.accepted", "operation.succeeded"]


def test_that_a_state_that_stays_is_not_told(nowhere: Cluster, ordered: Ordered) -> None:
    del nowhere
    database = ordered().database
    Event.objects.all().delete()

    announce_state(database, DatabaseState.READY, DatabaseState.READY, at=SYSTEM_CLOCK.now())
    announce_state(database, DatabaseState.READY, DatabaseState.REQUESTED, at=SYSTEM_CLOCK.now())

    assert told() == []


def test_that_a_state_that_nobody_sees_is_not_told(alice: User, nowhere: Cluster, ordered: Ordered) -> None:
    """A deletion that waited has the database next."""
    del nowhere
    operation = ordered()
    delete_database(acting(alice), operation.database_id, Idempotency(), Farewell())
    Event.objects.all().delete()

    settled(operation, OperationState.CANCELLED)

    assert told() == []


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready, of which nothing was told yet."""
    let_back_up(nowhere)
    database = at_rest(ordered())
    Event.objects.all().delete()
    return database


@pytest.mark.parametrize(
    ("reason", "kinds"),
    [
        ("ExpiresSoon", ["database.expires_soon"]),
        ("ExpiryRefused", ["database.expiry_refused"]),
        ("BackupMissed", ["backup.missed"]),
        ("SomethingElse", []),
    ],
)
def test_that_what_is_noticed_is_told_once_under_its_id(resting: Database, reason: str, kinds: list[str]) -> None:
    for _ in range(2):
        tell(resting, "key", reason, "It was noticed.", is_warning=True, now=SYSTEM_CLOCK.now())

    assert told() == kinds
    assert all(event.pk == DatabaseEvent.objects.get().pk for event in Event.objects.all())


@pytest.mark.parametrize(
    ("outcome", "kind"), [(Outcome.SUCCEEDED, "backup.succeeded"), (Outcome.FAILED, "backup.failed")]
)
def test_that_what_a_schedule_took_is_told_once(resting: Database, outcome: Outcome, kind: str) -> None:
    for reported in (Outcome.RUNNING, outcome, outcome):
        note_copies([seen(resting, outcome=reported)], [resting], now=SYSTEM_CLOCK.now())

    assert told() == [kind]
    assert content(kind)["data"]["backup"]["id"] == str(Backup.objects.get().pk)


def test_that_a_copy_that_comes_whole_into_sight_is_told(resting: Database) -> None:
    note_copies([seen(resting)], [resting], now=SYSTEM_CLOCK.now())

    assert told() == ["backup.succeeded"]


def test_that_a_list_that_was_cut_short_is_no_news(resting: Database) -> None:
    now = SYSTEM_CLOCK.now()
    note_copies([seen(resting)], [resting], now=now)
    note_copies([], [resting], now=now)
    note_copies([seen(resting)], [resting], now=now + timedelta(minutes=1))

    assert told() == ["backup.succeeded"]
    assert Backup.objects.get().state == "succeeded"


def test_that_a_copy_of_a_failed_operation_may_still_become_whole(resting: Database) -> None:
    backup = backup_of(resting, state="failed", run="run-1")
    note_copies([seen(resting)], [resting], now=SYSTEM_CLOCK.now())

    assert told() == ["backup.succeeded"]
    assert Backup.objects.get().pk == backup.pk


def test_that_everything_that_is_told_is_in_the_catalogue() -> None:
    from provisioning import announcements

    of_databases = {kind for kind, _ in announcements._OF_DATABASES.values()}
    of_operations = {f"operation.{event}" for event in announcements._OF_OPERATIONS}
    of_backups = {"backup.succeeded", "backup.failed"}

    assert {*of_databases, *of_operations, *of_backups, *announcements._NOTICED.values(), "webhook.disabled"} == set(
        EVENTS
    )
