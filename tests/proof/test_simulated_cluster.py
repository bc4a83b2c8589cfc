"""What the simulated cluster has beyond a real one: hooks, history, a garbage collector that waits; and what it refuses."""

from uuid import uuid4

import pytest

from dbaas.core.errors import Permanent
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import CalledInTransaction, ClusterBusy, ClusterUnavailable, error_from
from provisioning.cluster.kinds import SECRET, Ref, ref_of
from tests.proof.simulated_cluster import NotSimulated, SimulatedCluster
from tests.proof.test_simulated_answers import POSTGRES, SCRIPTS, namespace, outcomes, postgres


@pytest.fixture
def simulated() -> SimulatedCluster:
    """A simulated cluster with one namespace."""
    made = SimulatedCluster()
    made.create(namespace("here"))
    return made


def test_that_refusals_say_the_same_words(simulated: SimulatedCluster, kube: Gateway) -> None:
    where = f"words-{uuid4().hex[:8]}"
    told: list[str] = []

    for one in (simulated, kube):
        one.create(namespace(where))
        one.create(postgres("one", where))
        with pytest.raises(Permanent) as refusal:
            one.create(postgres("one", where))
        told.append(refusal.value.detail)

    assert told[0] == told[1]
    assert "already exists" in told[0]


def test_that_nothing_happens_where_the_hook_before_a_call_fails(simulated: SimulatedCluster) -> None:
    def fail(verb: str, path: str) -> None:
        raise ClusterUnavailable(f"{verb} {path}")

    simulated.before_call = fail
    with pytest.raises(ClusterUnavailable, match=r"create /apis/.*/namespaces/here/postgreses/one"):
        simulated.create(postgres("one", "here"))
    simulated.before_call = None

    assert simulated.get(ref_of(postgres("one", "here"))) is None


def test_that_it_has_happened_where_the_hook_after_a_call_fails(simulated: SimulatedCluster) -> None:
    def fail(_verb: str, _path: str) -> None:
        raise error_from(429, "Too Many Requests", b"", {"Retry-After": "1"}, "creating")

    simulated.after_call = fail
    with pytest.raises(ClusterBusy):
        simulated.create(postgres("one", "here"))
    simulated.after_call = None

    assert simulated.get(ref_of(postgres("one", "here"))) is not None


def test_that_it_counts_calls_and_keeps_their_history(simulated: SimulatedCluster) -> None:
    made = simulated.create(postgres("one", "here"))
    ref, uid = ref_of(made), made["metadata"]["uid"]
    simulated.merge(ref, {"spec": {"replicas": 3}})
    simulated.get(ref)
    simulated.delete(ref, uid=uid)

    told = [(change.verb, change.uid) for change in simulated.history if change.path == ref.path]

    assert simulated.calls == {"create": 2, "merge": 1, "get": 1, "delete": 1}
    assert told == [("created", uid), ("changed", uid), ("changed", uid), ("deleted", uid)]
    assert simulated.history[1].body["spec"]["replicas"] == 1
    assert [body["metadata"]["name"] for body in simulated.objects()] == ["here"]


def test_that_what_was_deleted_may_linger(simulated: SimulatedCluster) -> None:
    simulated.collects_at_once = False
    made = simulated.create(postgres("one", "here"))

    simulated.delete(ref_of(made), uid=made["metadata"]["uid"])

    left = simulated.get(ref_of(made))
    simulated.collect()
    assert left is not None
    assert left["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert simulated.get(ref_of(made)) is None


def test_that_what_was_handed_out_may_be_changed_without_harm(simulated: SimulatedCluster) -> None:
    body = postgres("one", "here")
    simulated.create(body)["spec"].clear()
    body["spec"].clear()
    (simulated.get(ref_of(body)) or {})["spec"].clear()
    simulated.list(POSTGRES)[0][0]["spec"].clear()

    assert (simulated.get(ref_of(body)) or {})["spec"]["version"] == "17.8"


def test_that_it_refuses_calls_inside_a_transaction_and_what_it_cannot_do() -> None:
    busy, idle = SimulatedCluster(is_in_transaction=lambda: True), SimulatedCluster()

    with pytest.raises(CalledInTransaction):
        busy.version()
    with pytest.raises(NotSimulated):
        idle.log(Ref(kind=SECRET, name="a", namespace="b"), container="c", lines=1, limit_bytes=1)
    with pytest.raises(NotSimulated):
        idle.list(POSTGRES, fields="metadata.name=a")
    assert idle.version().startswith("v1.")


def test_that_a_state_can_be_gone_back_to(simulated: SimulatedCluster) -> None:
    made = simulated.create(postgres("one", "here"))
    before = simulated.state()
    simulated.delete(ref_of(made), uid=made["metadata"]["uid"])

    simulated.restore(before)
    simulated.merge(ref_of(made), {"spec": {"replicas": 5}})
    simulated.restore(before)

    assert simulated.get(ref_of(made)) == made
    assert simulated.create(postgres("two", "here"))["metadata"]["resourceVersion"] == "3"
    assert simulated.list(POSTGRES)[0][0] == made


def test_that_two_runs_are_the_same() -> None:
    told = []

    for _ in range(2):
        one = SimulatedCluster()
        for script in SCRIPTS:
            outcomes(script, one, f"run-{script.__name__.replace('_', '-')}")
        told.append([(change.verb, change.path, change.uid) for change in one.history])

    assert told[0] == told[1]
    assert len(told[0]) > 50
