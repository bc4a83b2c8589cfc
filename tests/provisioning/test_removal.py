"""That an object leaves step by step, whatever state it is in, and that nobody else's is touched."""

from collections.abc import Callable

import pytest

from provisioning.cluster.kinds import SECRET, Ref, ref_of
from provisioning.engine import Body
from provisioning.manifests import spec_of
from provisioning.models import Operation, Resource
from provisioning.removal import remove
from provisioning.run import LeaseTooOld, NameConflict, Run
from provisioning.workflow.declare import Wait
from tests.provisioning.stage import Stage
from tests.provisioning.test_run import grow_old, run

__all__ = ["run"]

Ordered = Callable[..., Operation]


@pytest.fixture
def made(run: Run) -> Body:
    """The database's object, as the product makes it: protected."""
    return run.create(run.engine.database_manifest(spec_of(run.database, run.engine, run.operation)))


def test_that_what_is_not_there_is_struck_from_the_ledger(run: Run, made: Body, stage: Stage) -> None:
    stage.kube.merge(ref_of(made), {"spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(ref_of(made), uid=made["metadata"]["uid"])

    assert remove(run, ref_of(made)) is None
    assert Resource.objects.get().is_gone


def test_that_a_protected_object_is_released_and_deleted_and_then_gone(run: Run, made: Body, stage: Stage) -> None:
    first = remove(run, ref_of(made))
    second = remove(run, ref_of(made))

    assert first == Wait(reason=f"Postgres {run.database.object_name} is being deleted.")
    assert second is None
    assert stage.body(run.database) is None


@pytest.mark.parametrize(("finalizers", "told"), [(["a/b", "c/d"], "a/b, c/d")])
def test_that_what_holds_it_is_told(run: Run, made: Body, stage: Stage, finalizers: list[str], told: str) -> None:
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": finalizers}})
    remove(run, ref_of(made))

    waits = remove(run, ref_of(made))

    assert waits is not None
    assert waits.reason.endswith(f"is being deleted (finalizers left: {told}).")
    assert not Resource.objects.get().is_gone
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": None}})


def test_that_an_object_that_may_go_is_not_changed_first(run: Run, made: Body, stage: Stage) -> None:
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": ["a/b"]}, "spec": {"deletionPolicy": "WipeOut"}})
    before = stage.body(run.database)

    remove(run, ref_of(made))

    after = stage.body(run.database)
    assert before is not None
    assert after is not None
    assert after["metadata"]["generation"] - before["metadata"]["generation"] <= 1, "the deletion itself, nothing else"
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": None}})


def test_that_a_paused_database_goes_with_everything_it_stored(run: Run, made: Body, stage: Stage) -> None:
    halted = {"metadata": {"finalizers": ["a/b"]}, "spec": {"halted": True, "deletionPolicy": "Halt"}}
    stage.kube.merge(ref_of(made), halted)

    remove(run, ref_of(made))

    left = stage.body(run.database)
    assert left is not None
    assert left["metadata"]["deletionTimestamp"]
    assert left["spec"]["deletionPolicy"] == "WipeOut"
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": None}})


def test_that_what_is_no_database_has_no_policy_and_just_goes(run: Run, stage: Stage) -> None:
    secret = Ref(kind=SECRET, name="beside", namespace=run.database.namespace)
    labels = {"dbaas/database-id": str(run.database.id)}
    run.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": secret.name, "namespace": secret.namespace, "labels": labels},
        }
    )

    waits = remove(run, secret)

    assert waits is not None
    assert stage.kube.get(secret) is None
    assert remove(run, secret) is None


def test_that_a_foreign_object_is_left_alone(run: Run, made: Body, stage: Stage) -> None:
    stage.kube.merge(ref_of(made), {"metadata": {"labels": {"dbaas/database-id": "somebody-else"}}})

    with pytest.raises(NameConflict, match="left alone"):
        remove(run, ref_of(made))

    assert stage.body(run.database) is not None
    assert not Resource.objects.get().is_gone


def test_that_an_old_lease_removes_nothing(run: Run, made: Body, stage: Stage) -> None:
    grow_old(run)

    with pytest.raises(LeaseTooOld):
        remove(run, ref_of(made))

    assert stage.body(run.database) == made
