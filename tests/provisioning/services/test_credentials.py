"""That credentials come from the cluster's Secret on demand, and that each read is on record before it happens."""

from collections.abc import Callable

import pytest

from accounts.models import AuditEvent, User
from dbaas.core.errors import Forbidden
from provisioning.cluster.errors import ClusterUnavailable
from provisioning.models import Cluster, Database, Operation
from provisioning.services.credentials import Credentials, NoCredentialsYet, read_credentials
from tests import cast
from tests.provisioning.stage import Stage


def reads() -> list[tuple[str, str]]:
    events = AuditEvent.objects.filter(action="database.credentials.read")
    return [(event.actor_email, event.object_id) for event in events]


def test_that_they_are_read_from_the_secret(alice: User, database: Database) -> None:
    found = read_credentials(cast.acting(alice), database.id)

    assert (found.username, found.password, found.database) == ("postgres", "canary-pass/word", "postgres")
    assert (found.host, found.port) == (database.endpoint_host, database.endpoint_port)
    assert found.uri == f"postgresql://postgres:canary-pass%2Fword@127.0.0.1:{found.port}/postgres?sslmode=disable"


def test_that_each_read_is_on_record(alice: User, database: Database) -> None:
    read_credentials(cast.acting(alice), database.id)

    assert reads() == [("alice@example.com", str(database.id))]


def test_that_a_read_is_on_record_even_where_the_cluster_does_not_answer(alice: User, database: Database) -> None:
    Cluster.objects.filter(pk=database.cluster_id).update(kubeconfig_path="/nonexistent/kubeconfig")

    with pytest.raises(ClusterUnavailable):
        read_credentials(cast.acting(alice), database.id)

    assert len(reads()) == 1


def test_that_a_viewer_reads_none(bob: User, database: Database) -> None:
    with pytest.raises(Forbidden):
        read_credentials(cast.acting(bob), database.id)

    assert reads() == []


def test_that_a_deleted_database_has_none(alice: User, database: Database) -> None:
    Database.objects.filter(pk=database.pk).update(is_live=False)

    with pytest.raises(NoCredentialsYet):
        read_credentials(cast.acting(alice), database.id)


def test_that_an_object_without_a_secret_has_none_yet(alice: User, database: Database, stage: Stage) -> None:
    stage.kube.merge(stage.ref(database), {"spec": {"authSecret": None}})

    with pytest.raises(NoCredentialsYet):
        read_credentials(cast.acting(alice), database.id)


def test_that_a_password_never_gets_into_a_log_by_its_repr() -> None:
    credentials = Credentials(username="u", password="canary", host="h", port=1, database="d", uri="canary", ca=None)

    assert "canary" not in repr(credentials)


def test_that_the_ca_comes_with_them_where_the_engine_speaks_tls(
    alice: User, ordered: Callable[..., Operation], stage: Stage
) -> None:
    operation = stage.provision(ordered("search", "elasticsearch"))
    database = operation.database
    without = read_credentials(cast.acting(alice), database.id)
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{database.object_name}-http-cert", "namespace": database.namespace},
        "stringData": {"ca.crt": "-----BEGIN CERTIFICATE-----"},
    }
    stage.kube.create(secret)

    with_ca = read_credentials(cast.acting(alice), database.id)

    assert (without.ca, with_ca.ca) == (None, "-----BEGIN CERTIFICATE-----")
