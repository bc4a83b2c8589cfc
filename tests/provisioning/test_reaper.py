"""That the ledger and the cluster are compared: leaks go, what is missing is marked, what is foreign is only called out."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import Ref, kind_of, ref_of
from provisioning.drift import follow_object
from provisioning.engine import Body
from provisioning.models import Cluster, Database, DatabaseEvent, Finding, Operation
from provisioning.reaper import MISSING, Findings, compare, compare_all_clusters
from provisioning.services import control
from tests import cast
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.conftest import ApiServer
from tests.provisioning.operations.scenes import ask
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


def compared(stage: Stage) -> Findings:
    findings = Findings()
    compare(stage.cluster, stage.kube, findings)
    return findings


def vanish(stage: Stage, database: Database) -> None:
    body = stage.body(database)
    assert body is not None
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(stage.ref(database), uid=body["metadata"]["uid"])


def stray(kube: Gateway, namespace: str, name: str, database_id: object, kind: str = "Postgres") -> Ref:
    labels = {"dbaas/managed-by": "dbaas", "dbaas/database-id": str(database_id)}
    body: dict[str, Any] = {
        "apiVersion": "kubedb.com/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"version": "17.5", "storageType": "Ephemeral", "deletionPolicy": "DoNotTerminate"},
    }
    kube.create(body)
    return Ref(kind=kind_of("kubedb.com/v1", kind), name=name, namespace=namespace)


def test_that_a_ready_database_with_its_object_is_well(database: Database, stage: Stage) -> None:
    findings = compared(stage)

    assert database.object_name not in str(findings)
    assert Database.objects.get(pk=database.pk).phase == "Ready"


@pytest.mark.parametrize("state", ["failed", "deleted"])
def test_that_an_object_that_outlived_its_database_is_removed(database: Database, stage: Stage, state: str) -> None:
    Database.objects.filter(pk=database.pk).update(state=state)

    findings = compared(stage)

    assert [name for name in findings.leaked if database.object_name in name]
    assert stage.body(database) is None


def test_that_an_object_on_its_way_out_is_not_called_a_leak_again(database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})
    Database.objects.filter(pk=database.pk).update(state="failed")
    compared(stage)

    again = compared(stage)

    assert not [name for name in again.leaked if database.object_name in name]
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})


def test_that_a_database_that_is_being_worked_on_is_left_alone(ordered: Ordered, stage: Stage) -> None:
    operation = stage.work(ordered())

    findings = compared(stage)

    assert operation.database.object_name not in str(findings)
    assert stage.body(operation.database) is not None


def test_that_a_ready_database_without_its_object_is_marked_and_not_made_again(
    database: Database, stage: Stage
) -> None:
    vanish(stage, database)

    findings = compared(stage)

    marked = Database.objects.get(pk=database.pk)
    assert findings.missing == [str(database.id)]
    assert (marked.phase, marked.state) == (MISSING, "ready")
    assert marked.row_version > database.row_version
    assert stage.body(database) is None


def test_that_a_companion_does_not_stand_in_for_the_database(database: Database, stage: Stage) -> None:
    companion = stray(stage.kube, database.namespace, f"{database.object_name}-sentinel", database.id)
    vanish(stage, database)

    findings = compared(stage)

    assert findings.missing == [str(database.id)]
    remove(stage.kube, companion)


def test_that_an_object_of_a_database_we_do_not_know_is_only_called_out(database: Database, stage: Stage) -> None:
    unknown = stray(stage.kube, database.namespace, f"pg-{uuid4().hex[:8]}", uuid4())

    findings = compared(stage)

    assert str(unknown) in findings.foreign
    assert stage.kube.get(unknown) is not None
    remove(stage.kube, unknown)


def test_that_a_cluster_that_does_not_answer_is_left_for_the_next_time(database: Database, stage: Stage) -> None:
    Cluster.objects.create(name="away", region="away", kubeconfig_path="/nonexistent")
    vanish(stage, database)

    findings = compare_all_clusters()

    assert findings.missing == [str(database.id)]


@pytest.fixture
def strike(cluster: ApiServer) -> Iterator[Callable[..., None]]:
    """Ask the pocket cluster for a fault; it behaves again after the test."""
    with connect_to(cluster) as admin:

        def ask(fault: str, **match: Any) -> None:
            assert admin.post("/_faults", json={"match": match, "fault": fault}).status_code == 201

        yield ask
        admin.delete("/_faults")


def test_that_a_leak_that_cannot_be_deleted_keeps_no_other_from_going(
    database: Database, stage: Stage, strike: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    other = stray(stage.kube, database.namespace, "zz-after-it", database.id)
    Database.objects.update(state="deleted")
    strike("500", verb="patch", name=database.object_name)

    findings = compared(stage)

    assert {str(stage.ref(database)), str(other)} <= set(findings.leaked)
    assert stage.body(database) is not None
    assert stage.kube.get(other) is None
    assert "is left for the next comparison" in caplog.text
    remove(stage.kube, stage.ref(database))


def test_that_a_leak_that_may_go_already_goes_in_one_call(
    database: Database, stage: Stage, strike: Callable[..., None]
) -> None:
    stage.kube.merge(stage.ref(database), {"spec": {"deletionPolicy": "WipeOut"}})
    Database.objects.update(state="deleted")
    strike("500", verb="patch", every=True)

    compared(stage)

    assert stage.body(database) is None


def test_that_a_leak_takes_its_volumes_along_and_leaves_the_tenant_s_namespace(
    database: Database, stage: Stage
) -> None:
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": ["kubedb.com"]}})
    Database.objects.update(state="deleted")

    compared(stage)

    left = stage.body(database)
    assert left is not None
    assert left["spec"]["deletionPolicy"] == "WipeOut"
    assert stage.has_namespace(database.namespace)
    stage.kube.merge(stage.ref(database), {"metadata": {"finalizers": None}})


def test_that_a_request_that_came_after_its_operation_had_ended_goes(
    alice: User, database: Database, stage: Stage
) -> None:
    stage.operator.begins = False
    restart = ask(alice, database, "restart")
    stage.work(restart)
    (late,) = requests_of(stage, database)
    control.cancel(cast.acting(alice), restart.pk)
    assert stage.work_on(restart).state == "cancelled"
    for name in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        late["metadata"].pop(name, None)
    stage.kube.create(late)

    findings = compared(stage)

    assert findings.leaked == [str(ref_of(late))]
    assert requests_of(stage, database) == []


def test_that_a_request_of_an_operation_stays(alice: User, database: Database, stage: Stage) -> None:
    restart = stage.play(ask(alice, database, "restart"))

    findings = compared(stage)

    assert (restart.state, findings.leaked) == ("succeeded", [])
    assert len(requests_of(stage, database)) == 1


def requests_of(stage: Stage, database: Database) -> list[Body]:
    bodies, _ = stage.kube.list(kind_of("ops.kubedb.com/v1alpha1", "PostgresOpsRequest"), namespace=database.namespace)
    return [body for body in bodies if body["spec"]["databaseRef"]["name"] == database.object_name]


def grown_by_hand(stage: Stage, database: Database) -> None:
    claim = {"storage": {"resources": {"requests": {"storage": "77Gi"}}}}
    stage.kube.merge(stage.ref(database), {"spec": claim, "metadata": {"annotations": {"test/by": "hand"}}})
    stage.report(database, "Ready")


def test_that_a_row_follows_what_somebody_changed_by_hand(database: Database, stage: Stage) -> None:
    grown_by_hand(stage, database)

    findings, again = compared(stage), compared(stage)

    followed = Database.objects.get(pk=database.pk)
    assert findings.drifted == {str(database.id): f"storage_gib is 77, not {database.storage_gib}"}
    assert (followed.storage_gib, again.drifted) == (77, {})
    (event,) = DatabaseEvent.objects.filter(database=database)
    assert (event.reason, event.is_warning) == ("Drifted", True)
    assert "storage_gib is 77" in event.message


@pytest.mark.parametrize("how", ["an operation", "a change of the row", "an object that is changing"])
def test_that_nothing_drifts_while_something_changes(database: Database, stage: Stage, how: str) -> None:
    grown_by_hand(stage, database)
    if how == "an object that is changing":
        stage.report(database, "NotReady")
    body = stage.body(database)
    assert body is not None
    if how == "an operation":
        Database.objects.update(active_operation_id=uuid4())
    elif how == "a change of the row":
        Database.objects.update(row_version=database.row_version + 1)

    assert follow_object(database, body) == ""
    assert Database.objects.get(pk=database.pk).storage_gib == database.storage_gib


def test_that_findings_are_kept_until_they_are_found_no_more(database: Database, stage: Stage) -> None:
    vanish(stage, database)
    compare_all_clusters()
    opened = Finding.objects.get(what="missing")
    compare_all_clusters()
    Database.objects.update(state="deleted", is_live=False)

    compare_all_clusters()

    closed = Finding.objects.get(what="missing")
    assert (opened.about, opened.closed_at, closed.first_seen_at) == (str(database.id), None, opened.first_seen_at)
    assert closed.closed_at is not None


def test_that_an_object_whose_label_is_no_id_is_only_called_out(database: Database, stage: Stage) -> None:
    odd = stray(stage.kube, database.namespace, "odd", "no-id-of-ours")

    findings = compared(stage)

    assert str(odd) in findings.foreign
    assert stage.kube.get(odd) is not None
    remove(stage.kube, odd)


def test_that_what_stays_missing_is_one_change(database: Database, stage: Stage) -> None:
    vanish(stage, database)
    Database.objects.update(updated_at=database.created_at - timedelta(hours=1))
    compared(stage)
    once = Database.objects.get(pk=database.pk)

    again = compared(stage)

    assert again.missing == [str(database.id)]
    assert Database.objects.get(pk=database.pk).row_version == once.row_version
    assert once.updated_at >= database.created_at


def test_that_a_database_that_an_operation_took_meanwhile_is_not_missing(database: Database, stage: Stage) -> None:
    vanish(stage, database)
    Database.objects.update(active_operation_id=uuid4())

    assert compared(stage).missing == []


def remove(kube: Gateway, ref: Ref) -> None:
    found = kube.merge(ref, {"spec": {"deletionPolicy": "Delete"}})
    kube.delete(ref, uid=found["metadata"]["uid"])
