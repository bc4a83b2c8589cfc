"""The simulated cluster against the pocket cluster over HTTP: the same calls, the same answers and refusals, so that it cannot lie."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import NAMESPACE, SECRET, SERVICE, Kind, Ref, kind_of, ref_of
from provisioning.engine import Body
from tests.proof.simulated_cluster import SimulatedCluster

Script = Callable[[Gateway, str], Iterator[Callable[[], Any]]]

POSTGRES = kind_of("kubedb.com/v1", "Postgres")
GONE_SECONDS = 5.0
_ONLY_REAL = frozenset({"managedFields", "clusterIP", "clusterIPs", "nodePort", "healthChecker", "kind", "apiVersion"})
_VARY = frozenset({"resourceVersion", "creationTimestamp", "deletionTimestamp", "uid"})


def namespace(name: str) -> Body:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def secret(name: str, where: str, **metadata: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": where, **metadata},
        "stringData": {"a": "b"},
    }


def postgres(name: str, where: str, **metadata: Any) -> Body:
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {
        "apiVersion": "kubedb.com/v1",
        "kind": "Postgres",
        "metadata": {"name": name, "namespace": where, **metadata},
        "spec": {"version": "17.8", "storage": storage},
        "status": {"phase": "Ready"},
    }


def status_of(ref: Ref) -> Ref:
    kind = Kind(api_version=ref.kind.api_version, kind=ref.kind.kind, plural=ref.kind.plural)
    return Ref(kind=kind, name=f"{ref.name}/status", namespace=ref.namespace)


def create_twice(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    yield lambda: kube.create(postgres("one", where))
    yield lambda: kube.create(postgres("one", where))
    yield lambda: kube.get(ref_of(postgres("one", where)))
    yield lambda: kube.get(ref_of(postgres("two", where)))
    yield lambda: kube.create(secret("key", where))
    yield lambda: kube.merge(ref_of(secret("key", where)), {"stringData": {"c": "d"}})


def create_in_no_namespace(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    yield lambda: kube.create(postgres("one", f"no-{where}"))
    yield lambda: kube.apply(postgres("one", f"no-{where}"))
    yield lambda: kube.list(POSTGRES, namespace=f"no-{where}")[0]


def merge(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    ref = ref_of(postgres("one", where))
    yield lambda: kube.merge(ref, {"spec": {"replicas": 3}})
    old = kube.create(postgres("one", where))
    yield lambda: kube.merge(ref, {"spec": {"replicas": 3}})
    yield lambda: kube.merge(ref, {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}, "spec": {}})
    yield lambda: kube.merge(ref, {"metadata": {"uid": "another"}, "spec": {"replicas": 2}})
    now = (kube.get(ref) or {})["metadata"]["resourceVersion"]
    yield lambda: kube.merge(ref, {"metadata": {"resourceVersion": now, "labels": {"a": "b"}}})
    yield lambda: kube.merge(ref, {"metadata": {"labels": {"a": None}}, "spec": {"replicas": None}})
    yield lambda: kube.merge(ref, {"status": {"phase": "Lost"}, "metadata": {"generation": 99}})


def change_nothing(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    ref = ref_of(postgres("one", where))
    old = kube.create(postgres("one", where))["metadata"]["resourceVersion"]
    yield lambda: kube.merge(ref, {"spec": {"version": "17.8"}})["metadata"]["resourceVersion"] == old
    yield lambda: kube.merge(ref, {"spec": {"replicas": 2}})["metadata"]["resourceVersion"] == old


def report(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    ref = ref_of(postgres("one", where))
    kube.create(postgres("one", where))
    yield lambda: kube.merge(status_of(ref), {"status": {"phase": "Ready"}, "spec": {"replicas": 9}})
    yield lambda: kube.merge(status_of(ref), {"status": {"phase": None, "observedGeneration": 1}})
    yield lambda: kube.merge(ref, {"spec": {"replicas": 3}})


def apply(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    first = postgres("one", where, labels={"a": "b", "c": "d"})
    first["spec"]["podTemplate"] = {"spec": {"serviceAccountName": "x"}}
    second = postgres("one", where, labels={"a": "z"})
    yield lambda: kube.apply(first)
    yield lambda: kube.merge(ref_of(first), {"metadata": {"labels": {"mine": "yes"}}, "spec": {"replicas": 3}})
    yield lambda: kube.apply(second)
    yield lambda: kube.apply(second)
    yield lambda: kube.apply({**second, "metadata": {**second["metadata"], "resourceVersion": "1"}})
    yield lambda: kube.apply(namespace(where))


def delete(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    ref = ref_of(postgres("one", where))
    uid = kube.create(postgres("one", where))["metadata"]["uid"]
    yield lambda: kube.delete(ref, uid=str(uuid4()))
    yield lambda: kube.delete(ref, uid=uid)
    yield lambda: is_gone(kube, ref)
    yield lambda: kube.delete(ref, uid=uid)
    yield lambda: kube.create(postgres("one", where))["metadata"]["uid"] == uid
    yield lambda: kube.delete(ref, uid=uid)


def finalize(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    body = postgres("one", where, finalizers=["test.local/wait"])
    made, ref = kube.create(body), ref_of(body)
    yield lambda: kube.delete(ref, uid=made["metadata"]["uid"])
    yield lambda: has_finalizers(kube, ref, ["test.local/wait"])
    yield lambda: kube.get(ref)
    yield lambda: kube.delete(ref, uid=made["metadata"]["uid"])
    yield lambda: kube.create(body)
    yield lambda: kube.merge(ref, {"metadata": {"finalizers": None}})
    yield lambda: is_gone(kube, ref)


def own(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    owner, other = kube.create(postgres("one", where)), kube.create(postgres("two", where))
    references = [reference_to(owner), reference_to(other)]
    only, both = (
        secret("only", where, ownerReferences=references[:1]),
        secret("both", where, ownerReferences=references),
    )
    yield lambda: kube.create(only)
    yield lambda: kube.create(both)
    yield lambda: kube.delete(ref_of(owner), uid=owner["metadata"]["uid"])
    yield lambda: is_gone(kube, ref_of(owner)) and is_gone(kube, ref_of(only))
    yield lambda: kube.delete(ref_of(other), uid=other["metadata"]["uid"])
    yield lambda: is_gone(kube, ref_of(other)) and is_gone(kube, ref_of(both))
    late = secret("late", where, ownerReferences=references)
    yield lambda: kube.create(late)
    yield lambda: is_gone(kube, ref_of(late))


def hold_back(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    owner = kube.create(postgres("one", where))
    held = secret("held", where, ownerReferences=[reference_to(owner)], finalizers=["test.local/wait"])
    kube.create(held)
    yield lambda: kube.delete(ref_of(owner), uid=owner["metadata"]["uid"])
    yield lambda: is_leaving(kube, ref_of(held))
    yield lambda: kube.get(ref_of(owner))
    yield lambda: kube.merge(ref_of(held), {"metadata": {"finalizers": []}})
    yield lambda: is_gone(kube, ref_of(held)) and is_gone(kube, ref_of(owner))


def choose(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    for name, labels in (("b", {"mine": where}), ("a", {"mine": where, "x": "1"}), ("c", {"x": "1"})):
        kube.create(postgres(name, where, labels=labels))
    for chosen in ("", f"mine={where}", "mine", f"mine={where},x=1", "mine=other", "none"):
        yield partial(listed, kube, where, chosen)
    yield lambda: kube.list(POSTGRES, labels=f"mine={where}")[0]
    yield lambda: kube.list(SECRET, namespace=where)[0]


def end_namespace(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    ref = Ref(kind=NAMESPACE, name=where)
    kube.create(postgres("one", where, finalizers=["test.local/wait"]))
    kube.create(secret("key", where))
    yield lambda: kube.delete(ref, uid=(kube.get(ref) or {})["metadata"]["uid"])
    yield lambda: is_gone(kube, ref_of(secret("key", where)))
    yield lambda: kube.create(secret("late", where))
    yield lambda: ((kube.get(ref) or {}).get("status") or {}).get("phase")
    yield lambda: kube.merge(ref_of(postgres("one", where)), {"metadata": {"finalizers": None}})
    yield lambda: is_gone(kube, ref_of(postgres("one", where)))


def serve(kube: Gateway, where: str) -> Iterator[Callable[[], Any]]:
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "one", "namespace": where},
        "spec": {"type": "NodePort", "ports": [{"name": "primary", "port": 5432}]},
    }
    ref = Ref(kind=SERVICE, name="one", namespace=where)
    yield lambda: kube.create(body)["spec"]["type"]
    yield lambda: (kube.get(ref) or {})["spec"]["ports"][0]["nodePort"] >= 30_000
    held = (kube.get(ref) or {})["spec"]["ports"][0]["nodePort"]
    yield lambda: kube.create({**body, "metadata": {"name": "two", "namespace": where}})["spec"]["type"]
    two = Ref(kind=SERVICE, name="two", namespace=where)
    yield lambda: (kube.get(two) or {})["spec"]["ports"][0]["nodePort"] == held


SCRIPTS: tuple[Script, ...] = (
    create_twice,
    create_in_no_namespace,
    merge,
    change_nothing,
    report,
    apply,
    delete,
    finalize,
    own,
    hold_back,
    choose,
    end_namespace,
    serve,
)


def listed(kube: Gateway, where: str, labels: str) -> list[Body]:
    return kube.list(POSTGRES, namespace=where, labels=labels)[0]


def reference_to(owner: Body) -> Body:
    names = {name: owner["metadata"][name] for name in ("name", "uid")}
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "blockOwnerDeletion": True, **names}


def is_gone(kube: Gateway, ref: Ref) -> bool:
    return in_time(lambda: kube.get(ref) is None)


def is_leaving(kube: Gateway, ref: Ref) -> bool:
    return in_time(lambda: "deletionTimestamp" in ((kube.get(ref) or {}).get("metadata") or {}))


def has_finalizers(kube: Gateway, ref: Ref, wanted: list[str]) -> bool:
    return in_time(lambda: (kube.get(ref) or {})["metadata"].get("finalizers") == wanted)


def in_time(is_so: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GONE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def outcomes(script: Script, kube: Gateway, where: str) -> list[Any]:
    """Play the script and return what it was told, without what differs from run to run."""
    kube.create(namespace(where))
    return [comparable(outcome(call)) for call in script(kube, where)]


def outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (Permanent, Transient) as error:
        return type(error).__name__, error.code


def comparable(value: Any) -> Any:
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {name: comparable(one) for name, one in value.items() if name not in _ONLY_REAL}
    return {name: type(one).__name__ if name in _VARY else one for name, one in kept.items()}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_that_both_clusters_answer_alike(script: Script, kube: Gateway) -> None:
    where = f"alike-{uuid4().hex[:8]}"

    simulated = outcomes(script, SimulatedCluster(), where)

    assert simulated == outcomes(script, kube, where)
