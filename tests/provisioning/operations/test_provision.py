"""That provisioning gives a tenant a database, or leaves nothing behind: over HTTP against the pocket cluster's API."""

from collections.abc import Callable
from datetime import timedelta

from provisioning.cluster.kinds import Ref
from provisioning.models import Database, Operation, OperationEvent, Resource
from provisioning.services.acceptance import ask_to_cancel
from tenants.models import Quota
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def used(operation: Operation) -> int:
    return Quota.objects.get(tenant_id=operation.tenant_id).used_databases


def told(operation: Operation) -> list[tuple[str, str]]:
    lines = OperationEvent.objects.filter(operation=operation).order_by("seq")
    return [(line.event, line.step) for line in lines]


def test_that_it_ends_ready_with_an_endpoint(ordered: Ordered, stage: Stage) -> None:
    operation = stage.provision(ordered())

    database = operation.database
    assert (database.state, database.phase, database.active_operation_id) == ("ready", "Ready", None)
    assert (database.endpoint_host, database.endpoint_port) == ("127.0.0.1", stage.node_port(database))
    assert (operation.progress, operation.holds_database) == (100, False)
    assert used(operation) == 1


def test_that_the_timeline_tells_the_story_in_order(ordered: Ordered, stage: Stage) -> None:
    operation = stage.provision(ordered())

    assert told(operation) == [
        ("accepted", ""),
        ("started", "apply_namespace"),
        ("done", "apply_namespace"),
        ("started", "create_companions"),
        ("done", "create_companions"),
        ("started", "create_database"),
        ("done", "create_database"),
        ("started", "wait_until_ready"),
        ("waiting", "wait_until_ready"),
        ("done", "wait_until_ready"),
        ("started", "record_endpoint"),
        ("done", "record_endpoint"),
        ("succeeded", "record_endpoint"),
    ]
    seqs = OperationEvent.objects.filter(operation=operation).order_by("seq").values_list("seq", flat=True)
    assert list(seqs) == list(range(1, 14))


def test_that_the_object_carries_our_labels_and_is_protected(ordered: Ordered, stage: Stage) -> None:
    operation = stage.work(ordered())

    body = stage.body(operation.database)
    assert body is not None
    assert body["metadata"]["labels"]["dbaas/database-id"] == str(operation.database_id)
    assert body["metadata"]["annotations"]["dbaas/operation-id"] == str(operation.id)
    assert body["spec"]["deletionPolicy"] == "DoNotTerminate"


def test_that_the_ledger_knows_the_object_with_its_uid(ordered: Ordered, stage: Stage) -> None:
    operation = stage.work(ordered())

    line = Resource.objects.get(database=operation.database, kind="Postgres")
    body = stage.body(operation.database)
    assert body is not None
    assert (line.kind, line.uid, line.is_gone) == ("Postgres", body["metadata"]["uid"], False)


def test_that_waiting_is_one_line_however_often_it_looks(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    stage.report(stage.look(operation).database, "Provisioning", "Pulling the image.")

    for _ in range(3):
        stage.clock.forward(timedelta(minutes=6))
        stage.work(operation)

    now = stage.look(operation)
    assert (now.state, now.waiting_for) == ("waiting", "KubeDB reports Provisioning: Pulling the image.")
    assert [event for event, _ in told(operation)].count("waiting") == 2


def test_that_a_database_that_never_gets_ready_is_removed_and_its_quota_given_back(
    ordered: Ordered, stage: Stage
) -> None:
    operation = ordered()
    stage.work(operation)
    stage.clock.forward(timedelta(minutes=41))

    ended = stage.work_on(operation)

    assert (ended.state, ended.error_code) == ("failed", "operation.deadline_passed")
    assert (ended.database.state, used(operation)) == ("failed", 0)
    assert stage.body(ended.database) is None
    assert not Resource.objects.filter(database=ended.database, is_gone=False).exists()
    assert stage.has_namespace(ended.database.namespace)


def test_that_a_cancel_removes_what_was_made(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    ask_to_cancel(operation.id, stage.clock.now(), why="Changed my mind.")

    ended = stage.work_on(operation)

    assert (ended.state, ended.error_code, ended.database.state) == ("cancelled", "", "failed")
    assert stage.body(ended.database) is None
    assert used(operation) == 0


def test_that_an_object_of_an_earlier_try_is_adopted(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    body = stage.body(stage.look(operation).database)
    assert body is not None
    Operation.objects.filter(pk=operation.pk).update(
        step="create_database", state="running", next_run_at=stage.clock.now()
    )

    stage.work(operation)

    again = stage.body(stage.look(operation).database)
    assert again is not None
    assert again["metadata"]["uid"] == body["metadata"]["uid"]


def test_that_a_foreign_object_of_that_name_is_left_alone(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    database = stage.look(operation).database
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": database.namespace}}
    stage.kube.apply(namespace)
    foreign = {
        "apiVersion": "kubedb.com/v1",
        "kind": "Postgres",
        "metadata": {"name": database.object_name, "namespace": database.namespace},
        "spec": {"version": "17.5", "storageType": "Ephemeral"},
    }
    made = stage.kube.create(foreign)

    stuck = stage.work_on(operation)

    assert (stuck.state, stuck.error_code) == ("stuck", "cluster.name_conflict")
    left = stage.body(database)
    assert left is not None
    assert left["metadata"]["uid"] == made["metadata"]["uid"]


def test_that_it_waits_while_an_earlier_object_is_still_leaving(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    database = stage.look(operation).database
    body = stage.body(database)
    assert body is not None
    ref: Ref = stage.ref(database)
    stage.kube.merge(ref, {"metadata": {"finalizers": ["kubedb.com"]}, "spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(ref, uid=body["metadata"]["uid"])
    Operation.objects.filter(pk=operation.pk).update(
        step="create_database", state="running", next_run_at=stage.clock.now()
    )

    now = stage.work(operation)

    assert (now.state, now.step) == ("running", "create_database")
    assert "still being deleted" in now.waiting_for


def test_that_it_goes_on_once_the_earlier_object_has_left(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    database = stage.look(operation).database
    body = stage.body(database)
    assert body is not None
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(stage.ref(database), uid=body["metadata"]["uid"])
    Operation.objects.filter(pk=operation.pk).update(
        step="create_database", state="running", next_run_at=stage.clock.now()
    )

    now = stage.work(operation)

    assert (now.state, now.step) == ("waiting", "wait_until_ready")
    assert stage.body(database) is not None


def test_that_an_address_that_is_not_there_yet_is_waited_for(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    database = stage.look(operation).database
    stage.report(database, "Ready")
    stage.clock.forward(timedelta(minutes=6))

    now = stage.work(operation)

    assert (now.state, now.step) == ("waiting", "record_endpoint")
    assert "is not there yet" in now.waiting_for


def test_that_an_object_that_vanishes_while_it_waits_is_told(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    database = stage.look(operation).database
    body = stage.body(database)
    assert body is not None
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(stage.ref(database), uid=body["metadata"]["uid"])
    stage.clock.forward(timedelta(minutes=6))

    now = stage.work(operation)

    assert (now.state, now.waiting_for) == ("waiting", "The database's object is not in the cluster.")


def test_that_an_internal_database_has_its_service_s_name_as_endpoint(ordered: Ordered, stage: Stage) -> None:
    operation = stage.provision(ordered(access_mode="internal"))

    database = operation.database
    assert database.endpoint_host == f"{database.object_name}.{database.namespace}.svc"
    assert database.endpoint_port == 5432


def test_that_nothing_is_provisioned_twice(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.provision(operation)
    before = stage.body(stage.look(operation).database)

    again = stage.work(operation)

    assert again.state == "succeeded"
    assert Database.objects.filter(tenant_id=operation.tenant_id).count() == 1
    assert stage.body(again.database) == before
