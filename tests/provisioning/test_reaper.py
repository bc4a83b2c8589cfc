"""That the ledger and the cluster are compared: leaks go, what is missing is marked, what is foreign is only called out."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import Ref, kind_of
from provisioning.models import Cluster, Database, Operation
from provisioning.reaper import MISSING, Findings, compare, compare_all_clusters
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


def remove(kube: Gateway, ref: Ref) -> None:
    found = kube.merge(ref, {"spec": {"deletionPolicy": "Delete"}})
    kube.delete(ref, uid=found["metadata"]["uid"])
