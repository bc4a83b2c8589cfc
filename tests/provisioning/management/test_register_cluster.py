"""That a cluster is registered, changed and checked by one command, and that the laptop's command does all four things."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from provisioning.cluster.client import Gateway
from provisioning.models import Cluster
from tests.devcluster.conftest import ApiServer


def register(*arguments: str) -> str:
    told = StringIO()
    call_command("register_cluster", "prod-eu", "--region", "eu", *arguments, stdout=told)
    return told.getvalue()


@pytest.mark.django_db
def test_that_a_cluster_is_registered_with_what_was_said() -> None:
    told = register("--kubeconfig", "/etc/kube", "--context", "prod", "--storage-class", "fast")

    cluster = Cluster.objects.get()
    assert (cluster.name, cluster.region, cluster.kubeconfig_path, cluster.context) == (
        "prod-eu",
        "eu",
        "/etc/kube",
        "prod",
    )
    assert (cluster.storage_class, cluster.external_service_type, cluster.default_access) == (
        "fast",
        "LoadBalancer",
        "internal",
    )
    assert told == "prod-eu (eu) is registered.\n"


@pytest.mark.django_db
def test_that_the_same_call_twice_changes_nothing() -> None:
    register("--kubeconfig", "/etc/kube")
    before = Cluster.objects.values().get()

    told = register("--kubeconfig", "/etc/kube")

    assert Cluster.objects.values().get() == before
    assert told == "prod-eu (eu) is registered already.\n"


@pytest.mark.django_db
def test_that_another_call_changes_the_cluster() -> None:
    register("--kubeconfig", "/etc/kube")

    told = register("--kubeconfig", "/etc/kube2")

    assert Cluster.objects.get().kubeconfig_path == "/etc/kube2"
    assert told == "prod-eu (eu) is changed.\n"


@pytest.mark.django_db
def test_that_backups_that_were_prepared_stay() -> None:
    register()
    Cluster.objects.update(backup_driver="kubestash", archiver="dbaas")

    register("--storage-class", "fast")

    assert (Cluster.objects.get().backup_driver, Cluster.objects.get().archiver) == ("kubestash", "dbaas")


@pytest.mark.django_db(transaction=True)
def test_that_a_cluster_is_asked_first_where_that_is_wanted(cluster: ApiServer) -> None:
    told = register("--kubeconfig", str(cluster.kubeconfig), "--check")

    assert "The cluster answers: Kubernetes v" in told
    assert Cluster.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_that_one_that_does_not_answer_is_not_registered() -> None:
    with pytest.raises(CommandError, match="does not answer"):
        register("--kubeconfig", "/nonexistent", "--check")

    assert not Cluster.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_that_a_laptop_is_prepared_as_often_as_it_is_started(
    cluster: ApiServer, kube: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_PASSWORD", "a long pass phrase")
    how = {
        "kubeconfig": str(cluster.kubeconfig),
        "operator_email": "operator@example.com",
        "operator_password_env": "OPERATOR_PASSWORD",
    }

    for _ in range(2):
        call_command("prepare_laptop", stdout=StringIO(), **how)

    assert User.objects.get(email="operator@example.com").is_staff
    pocket = Cluster.objects.get()
    assert (pocket.name, pocket.default_access, pocket.backup_driver) == ("pocket", "external", "kubestash")
    assert kube.version().startswith("v")


@pytest.mark.django_db
def test_that_a_registration_goes_on_record() -> None:
    register("--kubeconfig", "/etc/kube")
    register("--kubeconfig", "/etc/kube2")

    events = AuditEvent.objects.order_by("id").values_list("action", "via")
    assert list(events) == [("cluster.registered", "system"), ("cluster.changed", "system")]
