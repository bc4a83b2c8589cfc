"""That a step's effects are in the ledger before they are in the cluster, happen once, and never under a lease that may be over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbaas.core.crash import CrashPointReached, armed
from provisioning import lease
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import ClusterConflict, ClusterUnavailable
from provisioning.cluster.kinds import NAMESPACE, Ref, ref_of
from provisioning.cluster.ownership import FENCE, fence_of
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.lease import LAST_EFFECT_AFTER, LeaseLost
from provisioning.manifests import namespace_manifest, spec_of
from provisioning.models import Database, Operation, Resource
from provisioning.run import MAY_ARRIVE_FOR, LeaseTooOld, NameConflict, Run, StillLeaving
from tests.devcluster.apiserver.conftest import connect_to
from tests.devcluster.conftest import ApiServer
from tests.provisioning.cluster.listener import Listener, answer, status_body
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


@pytest.fixture
def run(ordered: Ordered, stage: Stage) -> Run:
    """The first try of a step of an operation that was just claimed; the tenant's namespace is there."""
    operation = ordered()
    stage.clock.catch_up()
    claim = lease.claim(operation.id, now=stage.clock.now())
    assert claim is not None
    database = claim.operation.database
    stage.kube.apply(namespace_manifest(database))
    return Run(claim=claim, engine=all_engines()[database.engine], gateway=stage.kube, clock=stage.clock)


@pytest.fixture
def body(run: Run) -> Body:
    """The database's manifest."""
    return run.engine.database_manifest(spec_of(run.database, run.engine, run.operation))


def line() -> tuple[str, bool]:
    found = Resource.objects.get()
    return found.uid, found.is_gone


def grow_old(run: Run) -> None:
    run.claim.claimed_at_monotonic -= LAST_EFFECT_AFTER.total_seconds()


def let_leave(stage: Stage, made: Body) -> None:
    """Ask for its deletion while a finalizer holds it."""
    stage.kube.merge(ref_of(made), {"metadata": {"finalizers": ["kubedb.com"]}, "spec": {"deletionPolicy": "Delete"}})
    stage.kube.delete(ref_of(made), uid=made["metadata"]["uid"])


def test_that_an_object_is_made_and_its_uid_is_in_the_ledger(run: Run, body: Body, stage: Stage) -> None:
    made = run.create(body)

    found = Resource.objects.get()
    assert stage.body(run.database) == made
    assert (found.uid, found.is_gone, found.operation_id) == (made["metadata"]["uid"], False, run.operation.id)
    assert (found.kind, found.name, found.database_id) == ("Postgres", run.database.object_name, run.database.id)


def test_that_an_object_that_was_never_made_is_in_the_ledger_already(
    run: Run, body: Body, stage: Stage, cluster: ApiServer
) -> None:
    with connect_to(cluster) as admin:
        admin.post("/_faults", json={"match": {"verb": "create", "resource": "postgreses"}, "fault": "500"})

        with pytest.raises(ClusterUnavailable):
            run.create(body)

        admin.delete("/_faults")
    assert stage.body(run.database) is None
    assert line() == ("", False)


def test_that_a_worker_that_dies_after_the_effect_leaves_a_line_and_the_next_adopts(run: Run, body: Body) -> None:
    def die(point: str) -> None:
        if point == "create.after_effect":
            raise CrashPointReached

    with armed(die), pytest.raises(CrashPointReached):
        run.create(body)
    left = line()

    made = run.create(body)

    assert left == ("", False)
    assert line() == (made["metadata"]["uid"], False)
    assert Resource.objects.count() == 1


def test_that_a_foreign_object_is_not_adopted(run: Run, body: Body, stage: Stage) -> None:
    foreign = stage.kube.create({**body, "metadata": {**body["metadata"], "labels": {}}})

    with pytest.raises(NameConflict, match=run.database.object_name):
        run.create(body)

    assert stage.body(run.database) == foreign
    assert line() == ("", False)


def test_that_an_object_that_is_leaving_is_not_adopted(run: Run, body: Body, stage: Stage) -> None:
    let_leave(stage, run.create(body))

    with pytest.raises(StillLeaving, match="is still being deleted"):
        run.create(body)

    stage.kube.merge(stage.ref(run.database), {"metadata": {"finalizers": None}})


def test_that_an_object_that_left_between_two_looks_is_tried_again(run: Run, body: Body, tmp_path: Path) -> None:
    with Listener(tmp_path) as cluster:
        cluster.answers = [answer(409, status_body(409, "AlreadyExists")), answer(404, status_body(404, "NotFound"))]
        run.gateway = Gateway(Reach(kubeconfig_path=cluster.write_kubeconfig()))

        with pytest.raises(StillLeaving, match="gone now"):
            run.create(body)


def test_that_an_object_that_was_gone_and_is_made_again_is_in_the_ledger_again(
    run: Run, body: Body, stage: Stage
) -> None:
    first = run.create({**body, "spec": {**body["spec"], "deletionPolicy": "Delete"}})
    run.delete(ref_of(body), uid=first["metadata"]["uid"])
    run.strike_from_ledger(ref_of(body))
    struck, struck_at = line(), Resource.objects.get().gone_at

    again = run.create(body)

    assert (struck, struck_at) == ((first["metadata"]["uid"], True), stage.clock.now())
    assert line() == (again["metadata"]["uid"], False)
    assert Resource.objects.get().gone_at is None


def test_that_the_first_look_that_found_it_gone_counts(run: Run, body: Body, stage: Stage) -> None:
    run.create(body)
    run.strike_from_ledger(ref_of(body))
    first = Resource.objects.get().gone_at
    stage.clock.catch_up()

    run.strike_from_ledger(ref_of(body))

    assert Resource.objects.get().gone_at == first


EFFECTS: dict[str, Callable[[Run, Body], object]] = {
    "create": lambda run, body: run.create(body),
    "apply": lambda run, body: run.apply(
        namespace_manifest(run.database) | {"metadata": {"name": body["metadata"]["name"]}}
    ),
    "change": lambda run, body: run.change(body, {"spec": {"deletionPolicy": "WipeOut"}}),
    "put": lambda run, body: run.put(body),
    "delete": lambda run, body: run.delete(ref_of(body), uid=body["metadata"].get("uid", "")),
}


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
@pytest.mark.parametrize("exists", [True, False])
def test_that_nothing_is_sent_under_a_lease_that_may_be_over(
    run: Run, body: Body, stage: Stage, effect: Callable[[Run, Body], object], exists: bool
) -> None:
    known = run.create(body) if exists else body
    before = stage.body(run.database)
    grow_old(run)

    with pytest.raises(LeaseTooOld):
        effect(run, known)

    assert stage.body(run.database) == before
    assert stage.kube.get(Ref(kind=NAMESPACE, name=run.database.object_name)) is None


def test_that_a_change_and_a_deletion_reach_the_object(run: Run, body: Body, stage: Stage) -> None:
    made = run.create(body)

    changed = run.change(made, {"spec": {"deletionPolicy": "WipeOut"}})
    run.delete(ref_of(body), uid=made["metadata"]["uid"])

    assert changed["spec"]["deletionPolicy"] == "WipeOut"
    assert stage.body(run.database) is None
    assert line() == (made["metadata"]["uid"], False), "whether it is gone is for a later look to say"


def rewritten(run: Run, body: Body, stage: Stage) -> Body:
    """Let a later worker write the object, and return it as this one read it before."""
    read = run.create(body)
    later = {"metadata": {"annotations": {FENCE: str(run.operation.fence + 1)}}}
    stage.kube.merge(ref_of(body), later)
    return read


def test_that_every_write_leaves_the_worker_s_fence(run: Run, body: Body) -> None:
    made = run.create(body)
    changed = run.change(made, {"spec": {"deletionPolicy": "WipeOut"}})
    put = run.put(body)

    assert {fence_of(one) for one in (made, changed, put)} == {run.operation.fence}


def test_that_the_fence_rises_with_every_worker_and_every_operation(run: Run, stage: Stage) -> None:
    first = run.operation.fence
    stage.clock.forward(lease.LEASE + lease.CLOCK_SKEW * 2)
    again = lease.claim(run.operation.id, now=stage.clock.now())
    assert again is not None
    later = Operation(epoch=again.operation.epoch + 1, lease_token=0)

    assert first < again.operation.fence < later.fence


def test_that_what_a_later_worker_wrote_is_not_written_over(run: Run, body: Body, stage: Stage) -> None:
    rewritten(run, body, stage)
    now = stage.body(run.database)
    assert now is not None

    with pytest.raises(LeaseLost):
        run.change(now, {"spec": {"deletionPolicy": "WipeOut"}})
    with pytest.raises(LeaseLost):
        run.put(body)

    assert stage.body(run.database) == now


def test_that_a_change_that_arrives_late_is_refused(run: Run, body: Body, stage: Stage) -> None:
    read = rewritten(run, body, stage)

    with pytest.raises(ClusterConflict):
        run.change(read, {"spec": {"deletionPolicy": "WipeOut"}})


def test_that_a_put_that_arrives_late_is_refused(run: Run, body: Body, stage: Stage) -> None:
    run.create(body)

    def overtake(verb: str, path: str, **how: Any) -> Body:
        if verb == "PATCH":
            stage.kube.merge(ref_of(body), {"metadata": {"annotations": {FENCE: str(run.operation.fence + 1)}}})
        return Gateway._json(run.gateway, verb, path, **how)

    run.gateway = Gateway(run.gateway._reach)
    run.gateway._json = overtake  # type: ignore[method-assign]

    with pytest.raises(ClusterConflict):
        run.put(body)


def test_that_an_object_that_was_asked_for_without_an_answer_is_waited_for(run: Run, body: Body, stage: Stage) -> None:
    run._enter_in_ledger(ref_of(body))

    waits = run.note_absence(ref_of(body))
    stage.clock.forward(MAY_ARRIVE_FOR)
    then = run.note_absence(ref_of(body))

    assert waits is not None
    assert "may still arrive" in waits.reason
    assert (waits.again_in, then, line()) == (MAY_ARRIVE_FOR, None, ("", True))


def test_that_an_object_that_was_there_is_not_waited_for(run: Run, body: Body) -> None:
    run.create(body)

    assert run.note_absence(ref_of(body)) is None
    assert line()[1]


def test_that_asking_again_counts_from_then(run: Run, body: Body, stage: Stage) -> None:
    run._enter_in_ledger(ref_of(body))
    stage.clock.forward(MAY_ARRIVE_FOR)
    run._enter_in_ledger(ref_of(body))

    assert run.note_absence(ref_of(body)) is not None


def test_that_a_way_back_makes_what_was_sent_before_too_old_once(run: Run, body: Body) -> None:
    made = run.create(body)
    forward = run.overtake(made)
    run.operation.state = "undoing"

    marked = run.overtake(made)
    again = run.overtake(marked)

    assert forward is made
    assert again is marked
    assert marked["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    with pytest.raises(ClusterConflict):
        run.change(made, {"spec": {"deletionPolicy": "WipeOut"}})


def test_that_a_shared_object_is_not_in_the_ledger(run: Run, stage: Stage) -> None:
    run.apply(namespace_manifest(run.database))

    assert stage.has_namespace(run.database.namespace)
    assert not Resource.objects.exists()


def test_that_what_a_step_notes_is_kept_for_the_save(run: Run, stage: Stage) -> None:
    run.record(phase="Ready")
    run.record(phase="Critical", object_uid="u")

    assert run.recorded == {"phase": "Critical", "object_uid": "u"}
    assert run.now() == stage.clock.now()
    assert Database.objects.get().phase == ""
