"""That a cluster is set up for backups by one command, as often as it is run, on the pocket cluster; and what stops it says why."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import SECRET, Ref, kind_of
from provisioning.engine import Body
from provisioning.management.commands import prepare_backups
from provisioning.models import Cluster

NAMESPACE, NAME = "dbaas-backup", "dbaas"
STORAGE = kind_of("storage.kubestash.com/v1alpha1", "BackupStorage")
ARCHIVER = kind_of("archiver.kubedb.com/v1alpha1", "PostgresArchiver")


@pytest.fixture
def bare(pocket: Cluster) -> Cluster:
    """The pocket cluster, of whose backups nothing is known."""
    columns = ("backup_driver", "backup_namespace", "backup_storage", "backup_encryption_secret", "archiver")
    Cluster.objects.filter(pk=pocket.pk).update(**dict.fromkeys(columns, ""))
    pocket.refresh_from_db()
    return pocket


def prepare(*arguments: str) -> str:
    told = StringIO()
    call_command("prepare_backups", "pocket", *arguments, stdout=told)
    return told.getvalue()


def found(kube: Gateway, ref: Ref) -> Body:
    body = kube.get(ref)
    assert body is not None, f"{ref} is missing"
    return body


def secret_in(kube: Gateway, namespace: str) -> Body:
    return found(kube, Ref(kind=SECRET, name=f"{NAME}-backup-key", namespace=namespace))


def test_that_everything_is_made_and_the_row_knows_it(bare: Cluster, kube: Gateway) -> None:
    told = prepare()

    bare.refresh_from_db()
    assert (bare.backup_driver, bare.backup_namespace, bare.backup_storage) == ("kubestash", NAMESPACE, NAME)
    assert (bare.backup_encryption_secret, bare.archiver) == (f"{NAME}-backup-key", NAME)
    storage = found(kube, Ref(kind=STORAGE, name=NAME, namespace=NAMESPACE))
    assert storage["spec"]["storage"]["provider"] == "local"
    archiver = found(kube, Ref(kind=ARCHIVER, name=NAME, namespace=NAMESPACE))
    assert archiver["spec"]["backupStorage"]["ref"] == {"name": NAME, "namespace": NAMESPACE}
    assert archiver["spec"]["fullBackup"]["retryConfig"]["maxRetry"] == 3
    assert "RESTIC_PASSWORD" in secret_in(kube, NAMESPACE)["data"]
    assert f"{NAMESPACE}/{NAME}" in told


def test_that_running_it_again_keeps_the_key_and_the_row(bare: Cluster, kube: Gateway) -> None:
    prepare()
    key, row = secret_in(kube, NAMESPACE)["data"], Cluster.objects.values().get(pk=bare.pk)

    prepare()

    assert secret_in(kube, NAMESPACE)["data"] == key
    assert Cluster.objects.values().get(pk=bare.pk) == row


def test_that_no_key_is_shown(bare: Cluster, kube: Gateway) -> None:
    del bare

    told = prepare("--namespace", "secretive")

    assert secret_in(kube, "secretive")["data"]["RESTIC_PASSWORD"] not in told


def test_that_a_bucket_can_be_chosen(bare: Cluster, kube: Gateway) -> None:
    bucket = ["--s3-bucket", "copies", "--s3-endpoint", "https://s3.example.com", "--s3-secret", "s3-key"]

    prepare("--namespace", "in-a-bucket", "--name", "far", *bucket)

    bare.refresh_from_db()
    storage = found(kube, Ref(kind=STORAGE, name="far", namespace="in-a-bucket"))["spec"]["storage"]
    assert storage["provider"] == "s3"
    assert (storage["s3"]["bucket"], storage["s3"]["secretName"]) == ("copies", "s3-key")
    assert "region" not in storage["s3"]
    assert (bare.backup_namespace, bare.backup_storage) == ("in-a-bucket", "far")


def test_that_an_unknown_cluster_is_named(bare: Cluster) -> None:
    del bare

    with pytest.raises(CommandError, match="No cluster moon is registered"):
        call_command("prepare_backups", "moon")


def test_that_a_cluster_that_does_not_answer_is_given_up_on(bare: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster.objects.update(kubeconfig_path="/nonexistent")
    monkeypatch.setattr(prepare_backups, "WAIT_SECONDS", 0.0)

    with pytest.raises(CommandError, match="does not answer"):
        prepare()

    bare.refresh_from_db()
    assert bare.backup_driver == ""


def test_that_what_the_cluster_refuses_is_said(bare: Cluster) -> None:
    with pytest.raises(CommandError, match="The cluster refuses"):
        prepare("--namespace", "Not_A_Name")

    bare.refresh_from_db()
    assert bare.backup_driver == ""
