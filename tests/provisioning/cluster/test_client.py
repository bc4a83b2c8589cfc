"""That every call does what it says on a real API, in one attempt, and in a process and a transaction in which it may."""

import json
import os
from collections.abc import Callable

import pytest

from dbaas.core.db import atomic, in_transaction
from provisioning.cluster import client
from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import (
    AlreadyExists,
    CalledInTransaction,
    ClusterConflict,
    ClusterForbids,
    ClusterLogin,
    ClusterRefuses,
    ObjectMissing,
)
from provisioning.cluster.kinds import SECRET, Ref, ref_of
from tests.provisioning.cluster.calls import A_POD, A_SERVICE, a_database, a_secret, every_call
from tests.provisioning.cluster.listener import Listener, answer, status_body


def test_that_an_object_lives_through_its_whole_life(kube: Gateway, namespace: str) -> None:
    made = kube.create(a_secret(namespace))
    ref = ref_of(a_secret(namespace))
    found = kube.get(ref)
    changed = kube.merge(ref, {"metadata": {"labels": {"team": "shop"}}})
    applied = kube.apply({**a_secret(namespace), "stringData": {"color": "blue"}})
    kube.delete(ref, uid=made["metadata"]["uid"])

    assert found == made
    assert changed["metadata"]["labels"] == {"team": "shop"}
    assert applied["metadata"]["uid"] == made["metadata"]["uid"]
    assert applied["data"] == {"color": "Ymx1ZQ=="}
    assert kube.get(ref) is None


def test_that_a_log_and_a_page_are_asked_for_as_text(listener: Listener) -> None:
    listener.answers = [answer(200, "one\ntwo é\n".encode())]
    gateway = Gateway(Reach(kubeconfig_path=listener.write_kubeconfig()))

    log = gateway.log(A_POD, container="c", lines=5, limit_bytes=100)
    page = gateway.page(A_SERVICE, port="metrics", path="metrics")

    assert log.decode() == page == "one\ntwo é\n"
    assert [heard.target for heard in listener.heard] == [
        "/api/v1/namespaces/shop/pods/one/log?container=c&tailLines=5&limitBytes=100",
        "/api/v1/namespaces/shop/services/one:metrics/proxy/metrics",
    ]
    assert {heard.headers["accept"] for heard in listener.heard} == {"*/*"}


def test_that_the_version_is_told(kube: Gateway) -> None:
    assert kube.version().startswith("v1.")


def test_that_what_is_there_is_not_made_twice(kube: Gateway, namespace: str) -> None:
    kube.create(a_secret(namespace))

    with pytest.raises(AlreadyExists, match=f"creating Secret {namespace}/one: "):
        kube.create(a_secret(namespace))


def test_that_unknown_fields_are_refused(kube: Gateway, namespace: str) -> None:
    with pytest.raises(ClusterRefuses, match=r"spec\.versoin"):
        kube.create(a_database(namespace, versoin="17"))


def test_that_a_stale_change_is_refused_and_changes_nothing(kube: Gateway, namespace: str) -> None:
    made = kube.create(a_secret(namespace))
    ref = ref_of(made)
    kube.merge(ref, {"metadata": {"labels": {"by": "somebody"}}})

    with pytest.raises(ClusterConflict):
        kube.merge(ref, {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"], "labels": {"by": "me"}}})

    left = kube.get(ref)
    assert left is not None
    assert left["metadata"]["labels"] == {"by": "somebody"}


def test_that_an_object_made_again_under_the_same_name_is_not_deleted(kube: Gateway, namespace: str) -> None:
    made = kube.create(a_secret(namespace))

    with pytest.raises(ClusterConflict):
        kube.delete(ref_of(made), uid="of-an-earlier-one")

    assert kube.get(ref_of(made)) is not None


def test_that_deleting_what_is_gone_is_success(kube: Gateway, namespace: str) -> None:
    kube.delete(Ref(kind=SECRET, name="none", namespace=namespace), uid="1")


def test_that_changing_what_is_gone_is_told(kube: Gateway, namespace: str) -> None:
    with pytest.raises(ObjectMissing):
        kube.merge(Ref(kind=SECRET, name="none", namespace=namespace), {"metadata": {"labels": {"a": "b"}}})


def test_that_what_admission_protects_is_forbidden(kube: Gateway, namespace: str) -> None:
    made = kube.create(a_database(namespace, deletionPolicy="DoNotTerminate"))

    with pytest.raises(ClusterForbids):
        kube.delete(ref_of(made), uid=made["metadata"]["uid"])

    kube.merge(ref_of(made), {"spec": {"deletionPolicy": "WipeOut"}})
    kube.delete(ref_of(made), uid=made["metadata"]["uid"])


def test_that_lists_are_read_to_their_last_page(kube: Gateway, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"one-{number}" for number in range(5)]
    for name in names:
        kube.create(a_secret(namespace, name))
    monkeypatch.setattr(client, "_PAGE", 2)

    found, version = kube.list(SECRET, namespace=namespace)

    assert [body["metadata"]["name"] for body in found] == names
    assert int(version) > 0


def test_that_the_next_page_is_asked_for_by_the_token_of_the_last(gateway: Gateway, listener: Listener) -> None:
    first = {"items": [{"a": 1}], "metadata": {"continue": "page two", "resourceVersion": "7"}}
    listener.answers = [answer(200, first), answer(200, {"items": [{"a": 2}], "metadata": {"resourceVersion": "7"}})]

    found = gateway.list(SECRET, labels="team=shop")

    assert found == ([{"a": 1}, {"a": 2}], "7")
    assert [heard.target for heard in listener.heard] == [
        "/api/v1/secrets?limit=500&labelSelector=team%3Dshop",
        "/api/v1/secrets?limit=500&labelSelector=team%3Dshop&continue=page%20two",
    ]


def test_that_selectors_choose(kube: Gateway, namespace: str) -> None:
    kube.create(a_secret(namespace, "mine", team="shop"))
    kube.create(a_secret(namespace, "other", team="bank"))

    by_label, _ = kube.list(SECRET, namespace=namespace, labels="team=shop")
    by_field, _ = kube.list(SECRET, namespace=namespace, fields="metadata.name=other")

    assert [body["metadata"]["name"] for body in by_label] == ["mine"]
    assert [body["metadata"]["name"] for body in by_field] == ["other"]


def test_that_an_empty_answer_is_an_empty_object(gateway: Gateway, listener: Listener) -> None:
    listener.answers = [answer(200)]

    assert gateway.create(a_secret("shop")) == {}


def test_that_a_refused_login_is_tried_with_what_the_kubeconfig_says_by_then(
    gateway: Gateway, listener: Listener
) -> None:
    listener.answers = [answer(401, status_body(401, "Unauthorized")), answer(200, {"gitVersion": "v1.34.0"})]
    with pytest.raises(ClusterLogin):
        gateway.version()
    listener.write_kubeconfig(token="second-token")

    gateway.version()

    told = [heard.headers["authorization"] for heard in listener.heard]
    assert told == ["Bearer first-token", "Bearer second-token"]


def test_that_a_process_that_forked_opens_connections_of_its_own(kube: Gateway, namespace: str) -> None:
    kube.create(a_secret(namespace))
    ref = ref_of(a_secret(namespace))
    before = kube._client_of_this_process()
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        is_new = kube._client_of_this_process() is not before
        names = [(kube.get(ref) or {})["metadata"]["name"] for _ in range(3)]
        os.write(writing, json.dumps([is_new, names]).encode())
        os._exit(0)
    in_parent = [kube.get(ref) for _ in range(3)]
    os.waitpid(child, 0)
    in_child = json.loads(os.read(reading, 1000))

    assert in_child == [True, ["one"] * 3]
    assert None not in in_parent
    assert kube._client_of_this_process() is before
    os.close(reading)
    os.close(writing)


@every_call
@pytest.mark.django_db(transaction=True)
def test_that_no_call_is_made_inside_a_transaction(listener: Listener, call: Callable[[Gateway], object]) -> None:
    gateway = Gateway(Reach(kubeconfig_path=listener.write_kubeconfig()), is_in_transaction=in_transaction)

    with atomic(), pytest.raises(CalledInTransaction):
        call(gateway)

    assert listener.heard == []
