"""That the end of an operation leaves its database in the state, with the quota and in the hands that the end calls for."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning.models import Database, Operation, OperationEvent
from provisioning.operations import all_workflows
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import delete_database
from provisioning.settlement import give_way, settle
from provisioning.states import DatabaseState, OperationState
from tenants.models import Quota
from tests import cast

pytestmark = pytest.mark.usefixtures("nowhere")

Ordered = Callable[..., Operation]
NOW = SYSTEM_CLOCK.now() + timedelta(hours=1)


def settled(operation: Operation, outcome: OperationState) -> tuple[Database, UUID | None]:
    with atomic():
        Operation.objects.filter(pk=operation.pk).update(holds_database=False)
        follower = settle(operation, all_workflows()[operation.kind], outcome, NOW)
    return Database.objects.get(pk=operation.database_id), follower


def used() -> tuple[int, int]:
    quota = Quota.objects.get()
    return quota.used_databases, quota.used_memory_mib


@pytest.mark.parametrize(
    ("outcome", "state", "is_freed"),
    [
        (OperationState.SUCCEEDED, "ready", False),
        (OperationState.FAILED, "failed", True),
        (OperationState.CANCELLED, "failed", True),
    ],
)
def test_that_a_provision_s_end_is_the_database_s_state(
    ordered: Ordered, outcome: OperationState, state: str, is_freed: bool
) -> None:
    operation = ordered()
    before = operation.database.row_version

    database, follower = settled(operation, outcome)

    assert (database.state, database.previous_state, follower) == (state, state, None)
    assert (database.active_operation_id, database.active_operation_kind) == (None, "")
    assert (database.is_live, database.row_version, database.updated_at) == (True, before + 1, NOW)
    assert (used() == (0, 0)) is is_freed
    assert (database.reserved_memory_mib == 0) is is_freed


def deletion_of(alice: User, database: Database) -> Operation:
    return delete_database(cast.acting(alice), database.id, Idempotency()).operation


@pytest.mark.parametrize("state", ["ready", "paused", "failed"])
def test_that_an_undone_deletion_gives_the_state_before_back(alice: User, ordered: Ordered, state: str) -> None:
    provision = ordered()
    settled(provision, OperationState.SUCCEEDED)
    Database.objects.update(state=state)
    deletion = deletion_of(alice, provision.database)

    database, _ = settled(deletion, OperationState.CANCELLED)

    assert (database.state, database.is_live, used()[0]) == (state, True, 1)


def test_that_a_deleted_database_frees_its_name_and_its_quota(alice: User, ordered: Ordered) -> None:
    provision = ordered()
    settled(provision, OperationState.SUCCEEDED)
    deletion = deletion_of(alice, provision.database)

    database, _ = settled(deletion, OperationState.SUCCEEDED)

    assert (database.state, database.is_live, database.deleted_at) == (DatabaseState.DELETED, False, NOW)
    assert used() == (0, 0)
    assert ordered().database_id != database.id


def test_that_a_deletion_that_waited_has_the_database_next(alice: User, ordered: Ordered) -> None:
    provision = ordered()
    deletion = deletion_of(alice, provision.database)

    database, follower = settled(provision, OperationState.CANCELLED)

    released = Operation.objects.get(pk=deletion.pk)
    assert follower == database.active_operation_id == deletion.id
    assert (database.state, database.previous_state) == ("changing", "failed")
    assert (database.next_operation_id, database.active_operation_kind) == (None, "delete")
    assert (released.holds_database, released.next_run_at) == (True, NOW)
    assert OperationEvent.objects.filter(operation=deletion, event="released").exists()


def test_that_the_quota_is_given_back_once(alice: User, ordered: Ordered) -> None:
    ordered("other")
    provision = ordered()
    deletion = deletion_of(alice, provision.database)
    settled(provision, OperationState.CANCELLED)

    settled(deletion, OperationState.SUCCEEDED)

    assert used()[0] == 1


def test_that_a_stuck_operation_gives_way_to_a_deletion(alice: User, ordered: Ordered) -> None:
    provision = ordered()
    deletion = deletion_of(alice, provision.database)
    Operation.objects.filter(pk=provision.pk).update(state="stuck", step="wait_until_ready")
    provision.refresh_from_db()

    with atomic():
        follower = give_way(provision, NOW)

    ended, database = Operation.objects.get(pk=provision.pk), Database.objects.get()
    assert follower == database.active_operation_id == deletion.id
    assert (ended.state, ended.holds_database, ended.finished_at) == ("failed", False, NOW)
    assert (database.state, database.next_operation_id) == ("changing", None)
    assert OperationEvent.objects.filter(operation=provision, event="failed", step="wait_until_ready").exists()
    assert used()[0] == 1, "something of it may still run"


def test_that_a_stuck_operation_nobody_waits_for_stays_stuck(ordered: Ordered) -> None:
    operation = ordered()
    Operation.objects.filter(pk=operation.pk).update(state="stuck")

    assert give_way(operation, NOW) is None
    assert Operation.objects.get(pk=operation.pk).state == "stuck"
