"""That our processes get accounts of their own on a cluster, each with the rights of rbac.yaml and no others."""

import io
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import CommandError, call_command

from provisioning.cluster.client import Gateway, Reach
from provisioning.cluster.errors import ClusterForbids
from provisioning.cluster.kinds import DATABASE_KINDS, NAMESPACE, SECRET
from provisioning.models import Cluster

ACCOUNTS = ("web", "worker", "watcher")


def prepare(**options: Any) -> str:
    printed = io.StringIO()
    call_command("prepare_accounts", "pocket", stdout=printed, **options)
    return printed.getvalue()


@pytest.fixture
def own_folder(pocket: Cluster, tmp_path: Path) -> Path:
    """The cluster's kubeconfig, with room for others beside it."""
    copied = Path(shutil.copy(pocket.kubeconfig_path, tmp_path / "kubeconfig"))
    Cluster.objects.update(kubeconfig_path=str(copied))
    return copied


def of(own_folder: Path, account: str) -> Gateway:
    return Gateway(Reach(kubeconfig_path=f"{own_folder}.{account}"))


def test_that_each_account_gets_a_kubeconfig_that_only_its_owner_reads(own_folder: Path) -> None:
    printed = prepare(kubeconfigs=True)

    files = [own_folder.with_name(f"kubeconfig.{account}") for account in ACCOUNTS]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3
    assert printed == "pocket (local) has the accounts dbaas-web, dbaas-worker, dbaas-watcher.\n"
    assert Cluster.objects.get().accounts_namespace == "dbaas-system"


def test_that_the_administrator_s_token_is_in_none_of_them(own_folder: Path) -> None:
    prepare(kubeconfigs=True)

    token = yaml.safe_load(own_folder.read_text())["users"][0]["user"]["token"]
    assert not [account for account in ACCOUNTS if token in Path(f"{own_folder}.{account}").read_text()]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_that_nobody_reads_secrets_everywhere(own_folder: Path, account: str) -> None:
    prepare(kubeconfigs=True)

    with pytest.raises(ClusterForbids, match='cannot list resource "secrets"'):
        of(own_folder, account).list(SECRET)


def test_that_the_watcher_sees_databases_and_makes_nothing(own_folder: Path) -> None:
    prepare(kubeconfigs=True)
    watcher = of(own_folder, "watcher")

    assert watcher.list(DATABASE_KINDS[0])[1]
    with pytest.raises(ClusterForbids, match=f'cannot create resource "{NAMESPACE.plural}"'):
        watcher.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}})


def test_that_the_web_process_has_no_right_outside_tenants_namespaces(own_folder: Path) -> None:
    prepare(kubeconfigs=True)

    with pytest.raises(ClusterForbids, match='cannot list resource "postgreses"'):
        of(own_folder, "web").list(DATABASE_KINDS[0])


def test_that_rights_alone_can_be_made(own_folder: Path) -> None:
    prepare()

    assert not list(own_folder.parent.glob("kubeconfig.*"))
    assert Cluster.objects.get().accounts_namespace == "dbaas-system"


def test_that_a_kubeconfig_with_several_contexts_gives_the_cluster_s(own_folder: Path) -> None:
    held = yaml.safe_load(own_folder.read_text())
    held["contexts"].append({"name": "other", "context": {"cluster": "pocket", "user": "admin", "namespace": "n"}})
    own_folder.write_text(yaml.safe_dump(held))
    Cluster.objects.update(context="other")

    prepare(kubeconfigs=True)

    written = yaml.safe_load(Path(f"{own_folder}.web").read_text())
    assert written["current-context"] == "other"
    assert written["contexts"][0]["context"] == {"cluster": "pocket", "user": "account", "namespace": "n"}


@pytest.mark.django_db
def test_that_an_unknown_cluster_is_told() -> None:
    with pytest.raises(CommandError, match="No cluster pocket is registered"):
        prepare()


def test_that_a_cluster_without_a_kubeconfig_cannot_give_others(pocket: Cluster) -> None:
    Cluster.objects.filter(pk=pocket.pk).update(kubeconfig_path="")

    with pytest.raises(CommandError, match="there is no kubeconfig to go by"):
        prepare(kubeconfigs=True)


def test_that_a_cluster_that_does_not_answer_is_told(pocket: Cluster, tmp_path: Path) -> None:
    Cluster.objects.filter(pk=pocket.pk).update(kubeconfig_path=str(tmp_path / "nothing"))

    with pytest.raises(CommandError, match="The cluster refuses"):
        prepare()
