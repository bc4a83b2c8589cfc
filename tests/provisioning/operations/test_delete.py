"""That deletion removes everything, in whatever state the database is, and gives the quota back only when nothing is left."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import User
from provisioning.backups import driver_of
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.models import BackupPolicy, Cluster, Database, Operation, Resource
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import delete_database
from tenants.models import Quota
from tests import cast
from tests.provisioning.operations.scenes import POLICY, ask, check_quota
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def ask_for_deletion(alice: User, database: Database) -> Operation:
    return delete_database(cast.acting(alice), database.id, Idempotency()).operation


def used(database: Database) -> int:
    return Quota.objects.get(tenant_id=database.tenant_id).used_databases


def test_that_it_removes_the_object_and_gives_the_quota_back(alice: User, database: Database, stage: Stage) -> None:
    ended = stage.work_on(ask_for_deletion(alice, database))

    gone = Database.objects.get(pk=database.pk)
    assert (ended.state, gone.state, gone.is_live, gone.endpoint_host) == ("succeeded", "deleted", False, "")
    assert stage.body(database) is None
    assert used(database) == 0
    assert not Resource.objects.filter(database=database, is_gone=False).exists()


def test_that_protected_objects_are_wiped_out_on_request(alice: User, database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})

    waiting = stage.work(ask_for_deletion(alice, database))

    body = stage.body(database)
    assert body is not None
    assert (body["spec"]["deletionPolicy"], bool(body["metadata"]["deletionTimestamp"])) == ("WipeOut", True)
    assert waiting.waiting_for == f"Postgres {database.object_name} is being deleted."
    assert used(database) == 1
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})


def test_that_it_says_which_finalizers_hold_an_object(alice: User, database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})
    operation = ask_for_deletion(alice, database)
    stage.work(operation)
    stage.clock.forward(timedelta(minutes=6))

    waiting = stage.work(operation)

    assert "finalizers left: kubedb.com" in waiting.waiting_for
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})


def test_that_what_else_the_ledger_holds_is_removed_too(alice: User, database: Database, stage: Stage) -> None:
    companion = {
        "apiVersion": "kubedb.com/v1",
        "kind": "RedisSentinel",
        "metadata": {
            "name": f"{database.object_name}-sentinel",
            "namespace": database.namespace,
            "labels": {"dbaas/database-id": str(database.id)},
        },
        "spec": {"version": "7.4.6", "storageType": "Ephemeral", "deletionPolicy": "DoNotTerminate"},
    }
    stage.kube.create(companion)
    ref = Ref(
        kind=kind_of("kubedb.com/v1", "RedisSentinel"),
        name=f"{database.object_name}-sentinel",
        namespace=database.namespace,
    )
    Resource.objects.create(
        database=database,
        operation_id=database.id,
        cluster=database.cluster,
        api_version="kubedb.com/v1",
        kind="RedisSentinel",
        namespace=database.namespace,
        name=ref.name,
        created_at=stage.clock.now(),
    )

    ended = stage.work_on(ask_for_deletion(alice, database))

    assert ended.state == "succeeded"
    assert stage.kube.get(ref) is None


def test_that_a_database_whose_object_is_gone_already_is_deleted(alice: User, database: Database, stage: Stage) -> None:
    body = stage.body(database)
    assert body is not None
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(stage.ref(database), uid=body["metadata"]["uid"])

    ended = stage.work_on(ask_for_deletion(alice, database))

    assert ended.state == "succeeded"


def test_that_a_running_provision_is_cancelled_and_the_deletion_goes_next(
    alice: User, ordered: Ordered, stage: Stage
) -> None:
    provision = ordered()
    stage.work(provision)
    database = stage.look(provision).database
    deletion = ask_for_deletion(alice, database)

    ended_first = stage.work_on(provision)
    ended_next = stage.work_on(deletion)

    assert (ended_first.state, ended_next.state) == ("cancelled", "succeeded")
    assert Database.objects.get(pk=database.pk).state == "deleted"
    assert used(database) == 0


def test_that_a_provision_that_gets_stuck_gives_way_to_a_deletion_behind_it(
    alice: User, ordered: Ordered, stage: Stage
) -> None:
    provision = ordered()
    stage.work(provision)
    deletion = ask_for_deletion(alice, stage.look(provision).database)
    Operation.objects.filter(pk=provision.pk).update(step="of_another_release", next_run_at=stage.clock.now())

    stuck = stage.work_on(provision)
    ended = stage.work_on(deletion)

    assert (stuck.state, stuck.holds_database) == ("failed", False)
    assert ended.state == "succeeded"
    assert stage.body(ended.database) is None


def test_that_a_deletion_replaces_a_provision_that_is_stuck(alice: User, ordered: Ordered, stage: Stage) -> None:
    provision = ordered()
    Operation.objects.filter(pk=provision.pk).update(step="of_another_release")
    stuck = stage.work_on(provision)
    deletion = ask_for_deletion(alice, stuck.database)

    ended = stage.work_on(deletion)

    assert (stuck.state, stage.look(provision).state, ended.state) == ("stuck", "failed", "succeeded")


def test_that_a_foreign_object_is_never_deleted(alice: User, database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"labels": {"dbaas/database-id": "somebody-else"}}})

    stuck = stage.work_on(ask_for_deletion(alice, database))

    assert (stuck.state, stuck.error_code) == ("stuck", "cluster.name_conflict")
    assert stage.body(database) is not None


def test_that_a_cancel_comes_too_late_once_it_has_begun(alice: User, database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})
    operation = ask_for_deletion(alice, database)
    stage.work(operation)
    Operation.objects.filter(pk=operation.pk).update(cancel_requested_at=stage.clock.now())
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})

    ended = stage.work_on(operation)

    assert ended.state == "succeeded"


def test_that_a_cancel_before_it_begins_keeps_the_database(alice: User, database: Database, stage: Stage) -> None:
    operation = ask_for_deletion(alice, database)
    Operation.objects.filter(pk=operation.pk).update(cancel_requested_at=stage.clock.now())

    ended = stage.work_on(operation)

    kept = Database.objects.get(pk=database.pk)
    assert (ended.state, kept.state, kept.active_operation_id) == ("cancelled", "ready", None)
    assert stage.body(database) is not None


def test_that_volumes_are_kept_where_the_database_says_so(alice: User, database: Database, stage: Stage) -> None:
    Database.objects.update(deletion_policy="keep_volumes")
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})

    stage.work(ask_for_deletion(alice, database))

    body = stage.body(database)
    assert body is not None
    assert (body["spec"]["deletionPolicy"], bool(body["metadata"]["deletionTimestamp"])) == ("Halt", True)
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(("has_begun", "first_ends"), [(False, "cancelled"), (True, "succeeded")])
def test_that_a_running_change_is_cancelled_or_ends_and_the_deletion_goes_next(
    alice: User, database: Database, stage: Stage, has_begun: bool, first_ends: str
) -> None:
    change = ask(alice, database, "scale", {"storage_gib": 20})
    stage.work(change)
    if has_begun:
        stage.operator.act(database)
        stage.operator.act(database)
    deletion = ask_for_deletion(alice, database)

    changed, deleted = stage.play(change), stage.play(deletion)

    assert (changed.state, deleted.state, deleted.database.state) == (first_ends, "succeeded", "deleted")
    assert not Resource.objects.filter(database=database, is_gone=False).exists()
    check_quota(deleted.database)


def test_that_a_region_without_backups_deletes_all_the_same(alice: User, database: Database, stage: Stage) -> None:
    Cluster.objects.update(backup_driver="")

    assert stage.play(ask_for_deletion(alice, database)).state == "succeeded"


def test_that_the_policy_goes_with_the_database(alice: User, database: Database, stage: Stage) -> None:
    stage.play(ask(alice, database, "backup_policy", POLICY))

    ended = stage.play(ask_for_deletion(alice, database))

    assert ended.state == "succeeded"
    assert not BackupPolicy.objects.exists()
    assert stage.kube.get(driver_of(database.cluster).configuration_ref(database)) is None
