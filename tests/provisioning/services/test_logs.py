"""That a log's last lines are read on demand, by those who may, on record and without credentials."""

import pytest

from accounts.models import AuditEvent, User
from dbaas.core.errors import Forbidden
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.cluster.kinds import POD
from provisioning.cluster.ownership import DATABASE_ID
from provisioning.models import Cluster, Database
from provisioning.services.logs import MAX_BYTES, Log, NoLog, PodNotFound, SimulatedLog, read_log
from tests import cast


def add_pod(
    kube: Gateway,
    database: Database,
    number: int,
    log: str | None,
    *,
    role: str = "standby",
    owner: str = "",
    **more: str,
) -> str:
    """Make a pod as KubeDB does, with the log that the pocket cluster shows of it."""
    name = f"{database.object_name}-{number}"
    labels = {DATABASE_ID: owner or str(database.id), "app.kubernetes.io/instance": database.object_name}
    annotations = {**more, **({} if log is None else {"devcluster.local/log": log})}
    metadata = {"name": name, "namespace": database.namespace, "labels": {**labels, "kubedb.com/role": role}}
    containers = [{"name": "postgres", "image": "i"}, {"name": "pg-coordinator", "image": "i"}]
    body = {"metadata": {**metadata, "annotations": annotations}, "spec": {"containers": containers}}
    kube._json("POST", POD.path(database.namespace), body=body, action="making a pod as KubeDB does")
    return name


def read(user: User, database: Database, *, lines: int = 100, pod: str = "") -> Log:
    return read_log(cast.acting(user), database.id, lines=lines, pod=pod)


def reads() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(action="database.log.read")
    return [(event.actor_email, event.object_id) for event in events]


def test_that_the_primarys_last_lines_are_read(alice: User, database: Database, kube: Gateway) -> None:
    add_pod(kube, database, 0, "standby\n")
    primary = add_pod(kube, database, 1, "one\ntwo\nthree\n", role="primary")

    found = read(alice, database, lines=2)

    assert found == Log(pod=primary, container="postgres", lines=["two", "three"], is_truncated=False)
    assert reads() == [("alice@example.com", str(database.id))]


def test_that_a_pod_can_be_named(alice: User, database: Database, kube: Gateway) -> None:
    standby = add_pod(kube, database, 0, "standby\n")
    add_pod(kube, database, 1, "primary\n", role="primary")

    assert read(alice, database, pod=standby).lines == ["standby"]


def test_that_a_pod_of_another_database_does_not_exist(alice: User, database: Database, kube: Gateway) -> None:
    foreign = add_pod(kube, database, 0, "secret", owner="01980a4e-6f1c-7c3e-9d1b-2f6a5b8c7d90")

    with pytest.raises(PodNotFound):
        read(alice, database, pod=foreign)
    with pytest.raises(NoLog):
        read(alice, database)


@pytest.mark.parametrize(
    "line",
    [
        "STATEMENT:  ALTER ROLE app PASSWORD 'canary'",
        'STATEMENT:  CREATE USER app IDENTIFIED BY "canary"',
        "connecting to postgresql://app:canary@db/shop",
        "password=canary",
        "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
    ],
)
def test_that_credentials_are_taken_out(alice: User, database: Database, kube: Gateway, line: str) -> None:
    add_pod(kube, database, 0, f"before\n{line}\nafter\n", role="primary")

    lines = read(alice, database).lines

    assert not [shown for shown in lines if "canary" in shown]
    assert (lines[0], lines[-1]) == ("before", "after")


def test_that_too_much_is_cut_to_the_newest_whole_lines(alice: User, database: Database, kube: Gateway) -> None:
    text = "".join(f"{number:05d} {'x' * 493}\n" for number in range(600))
    add_pod(kube, database, 0, text, role="primary")

    found = read(alice, database, lines=1000)

    assert found.is_truncated
    assert found.lines[-1].startswith("00599 ")
    assert len(found.lines[0]) == 499
    assert sum(len(line) + 1 for line in found.lines) <= MAX_BYTES


def test_that_a_viewer_may_not(bob: User, database: Database) -> None:
    with pytest.raises(Forbidden):
        read(bob, database)

    assert reads() == []


def test_that_a_simulated_database_has_none(alice: User, database: Database, kube: Gateway) -> None:
    add_pod(kube, database, 0, None, **{"devcluster.local/simulated": "true"})
    with pytest.raises(SimulatedLog):
        read(alice, database)
    Database.objects.filter(pk=database.pk).update(simulated=True)

    with pytest.raises(SimulatedLog):
        read(alice, database)


def test_that_what_does_not_run_has_none(alice: User, database: Database, kube: Gateway) -> None:
    with pytest.raises(NoLog):
        read(alice, database)
    add_pod(kube, database, 0, None)
    with pytest.raises(NoLog):
        read(alice, database)
    Database.objects.filter(pk=database.pk).update(is_live=False)

    with pytest.raises(NoLog):
        read(alice, database)


def test_that_a_read_is_on_record_even_where_the_cluster_does_not_answer(alice: User, database: Database) -> None:
    Cluster.objects.filter(pk=database.cluster_id).update(kubeconfig_path="/nonexistent/kubeconfig")

    with pytest.raises(ClusterUnavailable):
        read(alice, database)

    assert len(reads()) == 1
