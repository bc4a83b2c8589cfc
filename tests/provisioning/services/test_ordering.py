"""That an order is accepted wholly or not at all, once per idempotency key, and a deletion once per database."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from dbaas.core.errors import Forbidden, Stale
from provisioning.models import Cluster, Database, Operation, OperationEvent
from provisioning.operations import all_workflows
from provisioning.orders import InvalidOrder, Wish
from provisioning.selectors import DatabaseNotFound
from provisioning.services.acceptance import Accepted, Idempotency, take_database
from provisioning.services.changing import change_database
from provisioning.services.ordering import delete_database, order_database
from provisioning.services.refusals import DeletionProtected, KeyReused, NameTaken, OperationInProgress, StateForbids
from tenants.access import TenantNotFound
from tenants.models import Quota, Tenant
from tenants.quota import QuotaExceeded
from tests import cast

pytestmark = pytest.mark.usefixtures("nowhere")

ORDERS = Wish(name="orders", engine="postgres")


def order(by: User, tenant: Tenant, wish: Wish = ORDERS, key: str | None = None, fingerprint: str = "f") -> Accepted:
    return order_database(cast.acting(by), tenant.id, wish, Idempotency(key=key, fingerprint=fingerprint))


def delete(by: User, database: Database, key: str | None = None) -> Accepted:
    return delete_database(cast.acting(by), database.id, Idempotency(key=key, fingerprint="d"))


def at_rest(operation: Operation, state: str = "ready") -> Database:
    """Let the operation be over, and the database in this state."""
    Operation.objects.filter(pk=operation.pk).update(state="succeeded", holds_database=False, next_run_at=None)
    Database.objects.filter(pk=operation.database_id).update(
        state=state, active_operation_id=None, active_operation_kind=""
    )
    return Database.objects.get(pk=operation.database_id)


def test_that_an_order_writes_database_operation_quota_and_timeline(alice: User, shop: Tenant) -> None:
    operation = order(alice, shop).operation

    database = operation.database
    assert (database.state, database.active_operation_id, database.active_operation_kind) == (
        "changing",
        operation.id,
        "provision",
    )
    assert (operation.state, operation.holds_database, operation.created_by) == ("queued", True, alice.id)
    assert database.object_name.startswith("pg-")
    assert Quota.objects.get(tenant=shop).used_databases == 1
    assert OperationEvent.objects.get(operation=operation).event == "accepted"


def test_that_the_broker_is_nudged_only_after_the_commit(
    alice: User, shop: Tenant, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        order(alice, shop)

    assert len(callbacks) == 1


def test_that_a_viewer_may_not_order(bob: User, shop: Tenant) -> None:
    with pytest.raises(Forbidden):
        order(bob, shop)


def test_that_to_a_stranger_the_tenant_does_not_exist(charlie: User, shop: Tenant) -> None:
    with pytest.raises(TenantNotFound):
        order(charlie, shop)


def test_that_an_order_over_quota_leaves_nothing_behind(alice: User, shop: Tenant) -> None:
    Quota.objects.filter(tenant=shop).update(max_memory_mib=1000)

    with pytest.raises(QuotaExceeded) as caught:
        order(alice, shop)

    assert caught.value.extra["exceeded"] == [{"resource": "memory_mib", "limit": 1000, "used": 0, "asked": 2432}]
    assert not Database.objects.filter(tenant=shop).exists()
    assert not Operation.objects.filter(tenant=shop).exists()


def test_that_a_taken_name_is_refused(alice: User, shop: Tenant) -> None:
    order(alice, shop)

    with pytest.raises(NameTaken, match="'orders'"):
        order(alice, shop)

    assert Quota.objects.get(tenant=shop).used_databases == 1


def test_that_a_name_is_free_again_after_deletion(alice: User, shop: Tenant) -> None:
    first = order(alice, shop).operation
    at_rest(first, "deleted")
    Database.objects.filter(pk=first.database_id).update(is_live=False)

    second = order(alice, shop).operation

    assert second.database_id != first.database_id


def test_that_the_same_key_gives_the_same_operation(alice: User, shop: Tenant) -> None:
    first = order(alice, shop, key="k1")

    again = order(alice, shop, key="k1")

    assert again.operation.id == first.operation.id
    assert (first.is_replay, again.is_replay) == (False, True)
    assert Database.objects.filter(tenant=shop).count() == 1


def test_that_the_same_key_with_another_order_is_refused(alice: User, shop: Tenant) -> None:
    order(alice, shop, key="k1", fingerprint="one")

    with pytest.raises(KeyReused):
        order(alice, shop, key="k1", fingerprint="two")


def test_that_a_refused_order_does_not_use_up_its_key(alice: User, shop: Tenant) -> None:
    with pytest.raises(InvalidOrder):
        order(alice, shop, Wish(name="orders", engine="oracle"), key="k1")

    assert not order(alice, shop, key="k1").is_replay


def test_that_an_order_needs_a_cluster_that_takes_databases(alice: User, shop: Tenant) -> None:
    Cluster.objects.update(accepts_databases=False)

    with pytest.raises(InvalidOrder) as caught:
        order(alice, shop)

    assert [problem.field for problem in caught.value.errors] == ["region"]


def test_that_a_database_at_rest_can_be_deleted(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    operation = delete(alice, database).operation

    row = Database.objects.get(pk=database.pk)
    assert (row.state, row.previous_state, row.active_operation_id) == ("changing", "ready", operation.id)
    assert (operation.holds_database, operation.state) == (True, "queued")


def test_that_deleting_twice_gives_the_same_operation(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    first, second = delete(alice, database), delete(alice, database)

    assert first.operation.id == second.operation.id
    assert second.is_replay


def test_that_the_same_key_gives_the_same_deletion(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    first, second = delete(alice, database, "k1"), delete(alice, database, "k1")

    assert first.operation.id == second.operation.id


def test_that_a_deletion_waits_behind_a_running_operation_and_asks_it_to_cancel(alice: User, shop: Tenant) -> None:
    provision = order(alice, shop).operation

    deletion = delete(alice, provision.database).operation

    provision.refresh_from_db()
    assert provision.cancel_requested_at is not None
    assert (deletion.holds_database, deletion.next_run_at) == (False, None)
    assert Database.objects.get(pk=provision.database_id).next_operation_id == deletion.id
    assert delete(alice, provision.database).operation.id == deletion.id


def test_that_a_protected_database_is_not_deleted(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop, Wish(name="orders", engine="postgres", deletion_protection=True)).operation)

    with pytest.raises(DeletionProtected):
        delete(alice, database)


def test_that_a_deleted_database_is_not_deleted_again(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation, "deleted")

    with pytest.raises(StateForbids, match="this one is deleted"):
        delete(alice, database)


def test_that_a_deletion_that_meets_an_ending_operation_is_asked_to_come_again(alice: User, shop: Tenant) -> None:
    provision = order(alice, shop).operation
    Operation.objects.filter(pk=provision.pk).update(state="succeeded")

    with pytest.raises(OperationInProgress) as caught:
        delete(alice, provision.database)

    assert caught.value.retry_after == timedelta(seconds=1)
    assert not Operation.objects.filter(kind="delete").exists()


def test_that_two_deletions_at_the_same_moment_leave_one(alice: User, shop: Tenant) -> None:
    provision = order(alice, shop).operation
    Database.objects.filter(pk=provision.database_id).update(next_operation_id=uuid4())

    with pytest.raises(OperationInProgress) as caught:
        delete(alice, provision.database)

    assert caught.value.extra["operation"] == str(provision.id)


def test_that_a_database_that_is_held_cannot_be_taken(alice: User, shop: Tenant) -> None:
    provision = order(alice, shop).operation

    with pytest.raises(OperationInProgress) as caught:
        take_database(provision.database, provision, all_workflows()["delete"], provision.created_at)

    assert caught.value.extra["operation"] == str(provision.id)


def test_that_a_viewer_may_not_delete(alice: User, bob: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    with pytest.raises(Forbidden):
        delete(bob, database)


def test_that_to_a_stranger_the_database_does_not_exist(alice: User, charlie: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    with pytest.raises(DatabaseNotFound):
        delete(charlie, database)


def test_that_labels_and_protection_change_at_once(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    changed = change_database(
        cast.acting(alice), database.id, {"labels": {"team": "a"}, "deletion_protection": True}, expected_version=None
    )

    assert (changed.labels, changed.deletion_protection) == ({"team": "a"}, True)
    assert changed.row_version == database.row_version + 1


def test_that_no_change_changes_nothing(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    assert (
        change_database(cast.acting(alice), database.id, {}, expected_version=None).row_version == database.row_version
    )


def test_that_a_stale_change_is_refused(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    with pytest.raises(Stale):
        change_database(cast.acting(alice), database.id, {"labels": {}}, expected_version=database.row_version - 1)


def test_that_labels_must_be_valid(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation)

    with pytest.raises(InvalidOrder):
        change_database(cast.acting(alice), database.id, {"labels": {"-": "x"}}, expected_version=None)


def test_that_a_deleted_database_cannot_change(alice: User, shop: Tenant) -> None:
    database = at_rest(order(alice, shop).operation, "deleted")
    Database.objects.filter(pk=database.pk).update(is_live=False)

    with pytest.raises(StateForbids):
        change_database(cast.acting(alice), database.id, {"labels": {}}, expected_version=None)


def test_that_an_order_takes_a_bounded_number_of_queries(
    alice: User, shop: Tenant, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with django_assert_max_num_queries(14):
        order(alice, shop, key="k1")


def test_that_orders_at_once_with_one_key_make_one_database(
    shared_database: None, at_once: Callable[[list[Callable[[], Accepted]]], list[Accepted | Exception]]
) -> None:
    del shared_database
    alice = cast.person("alice")
    tenant = cast.tenant_of(alice)

    answers = at_once([lambda: order(alice, tenant, key="k1")] * 8)

    assert {answer.operation.id for answer in answers if isinstance(answer, Accepted)} == {Operation.objects.get().id}
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert Quota.objects.get(tenant=tenant).used_databases == 1


def test_that_orders_at_once_never_pass_the_quota(
    shared_database: None, at_once: Callable[[list[Callable[[], Accepted]]], list[Accepted | Exception]]
) -> None:
    del shared_database
    alice = cast.person("alice")
    tenant = cast.tenant_of(alice)
    Quota.objects.filter(tenant=tenant).update(max_databases=3)

    def order_named(number: int) -> Callable[[], Accepted]:
        return lambda: order(alice, tenant, Wish(name=f"db{number}", engine="postgres"))

    answers = at_once([order_named(number) for number in range(8)])

    assert len([answer for answer in answers if isinstance(answer, Accepted)]) == 3
    assert len([answer for answer in answers if isinstance(answer, QuotaExceeded)]) == 5
    assert Database.objects.count() == Quota.objects.get(tenant=tenant).used_databases == 3
