"""Tests that the real Helm installs, upgrades, rolls back and uninstalls the chart on the pocket cluster."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.commands import run
from tests.deploy.helm.charted import CHART
from tests.deploy.helm.generated import REQUIRED_SECRETS
from tests.deploy.helm.kubelet import Execute, Kubelet, for_real
from tests.deploy.helm.rendering import NAMESPACE, RELEASE, objects, values_of
from tests.devcluster import kubectl
from tests.devcluster.conftest import ApiServer

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("helm")]
DEADLINE_SECONDS = 90
OPERATORS = {
    "monitoring.coreos.com/v1": ("ServiceMonitor", "PodMonitor", "PrometheusRule"),
    "keda.sh/v1alpha1": ("ScaledObject", "TriggerAuthentication"),
}
Helm = Callable[..., str]


@pytest.fixture(scope="module")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Give a cluster on which the operators' kinds are known."""
    server = ApiServer(tmp_path_factory.mktemp("helm"))
    server.start()
    kinds = [definition(group, kind) for group, names in OPERATORS.items() for kind in names]
    kubectl.run(server.kubeconfig, "create", "-f", "-", stdin=yaml.safe_dump_all(kinds))
    yield server
    server.stop()


def definition(api_version: str, kind: str) -> dict[str, Any]:
    group, version = api_version.split("/")
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural},
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture
def helm(pocket: ApiServer) -> Iterator[Helm]:
    """Give Helm on the cluster; what a test leaves behind is removed with its namespace."""

    def run_helm(*arguments: str, is_success: bool = True) -> str:
        return kubectl.run(
            pocket.kubeconfig,
            "--namespace",
            NAMESPACE,
            *arguments,
            tool="helm",
            is_success=is_success,
            timeout_seconds=DEADLINE_SECONDS,
        )

    yield run_helm
    run_helm("uninstall", RELEASE, "--ignore-not-found")
    kubectl.run(pocket.kubeconfig, "delete", "namespace", NAMESPACE, "--ignore-not-found")


def kept(pocket: ApiServer, kinds: str = "deployments,configmaps,secrets") -> dict[str, Any]:
    """Return what there is of the kinds in the namespace, without Helm's own records."""
    answer = kubectl.run(pocket.kubeconfig, "--namespace", NAMESPACE, "get", kinds, "-o", "json")
    return {
        f"{body['kind']}/{body['metadata']['name']}": body
        for body in json.loads(answer)["items"]
        if body.get("type") != "helm.sh/release.v1"
    }


def kubelet(pocket: ApiServer, execute: Execute = lambda _command, _variables: True) -> Kubelet:
    return Kubelet(pocket, NAMESPACE, execute)


def install(*more: str) -> tuple[str, ...]:
    return ("install", RELEASE, str(CHART), "--create-namespace", "--timeout", "60s", *more)


def upgrade(*more: str) -> tuple[str, ...]:
    return ("upgrade", RELEASE, str(CHART), "--timeout", "60s", *more)


def test_that_it_is_installed_upgraded_rolled_back_and_uninstalled(
    pocket: ApiServer, helm: Helm, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path}/metadata.sqlite3"
    sqlite = f"--set=config.ALLOW_SQLITE_IN_PRODUCTION=true,secrets.values.DATABASE_URL={database}"
    minimal = ("--values", values_of("minimal"), sqlite)

    with kubelet(pocket, for_real) as player:
        helm(*install(*minimal))
        (command, variables), installed = player.ran[0], kept(pocket)
    with kubelet(pocket) as player:
        helm(*upgrade(*minimal, "--set", "config.LOG_LEVEL=WARNING"))
        upgraded, ran = kept(pocket), list(player.ran)
        helm("rollback", RELEASE, "1")
        rolled_back, history = kept(pocket), json.loads(helm("history", RELEASE, "-o", "json"))
    helm("uninstall", RELEASE)
    checked = run(
        ["python", "manage.py", "migrate", "--check"],
        **variables,
        DJANGO_SETTINGS_MODULE="dbaas.settings.production",
    )

    assert command == ["manage.py", "migrate", "--noinput"]
    assert checked.returncode == 0, "the migrations of the hook brought the schema up to date"
    assert {name for name in installed if name.startswith("Deployment/")} == {
        f"Deployment/{body['metadata']['name']}" for body in objects("minimal") if body["kind"] == "Deployment"
    }
    assert "ConfigMap/dbaas-migrate" not in installed
    assert "Secret/dbaas-migrate" not in installed
    assert ran[0][1]["LOG_LEVEL"] == "WARNING"
    assert upgraded["ConfigMap/dbaas"]["data"]["LOG_LEVEL"] == "WARNING"
    assert "LOG_LEVEL" not in rolled_back["ConfigMap/dbaas"]["data"]
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "deployed"]
    assert {name for name in kept(pocket) if "/dbaas" in name} == {"Secret/dbaas"}


def test_that_generated_secrets_outlive_upgrades_and_the_release(pocket: ApiServer, helm: Helm) -> None:
    minimal = ("--values", values_of("minimal"))

    with kubelet(pocket) as player:
        helm(*install(*minimal))
        first = player.secret("dbaas")
        helm(*upgrade(*minimal, "--set", "secrets.values.BROKER_URL=redis://other:6379/0"))
        second, migrated_with = player.secret("dbaas"), player.ran[-1][1]
        helm("uninstall", RELEASE)
        helm(*install(*minimal))
        third = player.secret("dbaas")

    assert second == {**first, "BROKER_URL": "redis://other:6379/0"}
    assert third == first
    assert migrated_with["ENCRYPTION_KEYS"] == first["ENCRYPTION_KEYS"]


def test_that_migrations_that_fail_leave_everything_as_it_was(pocket: ApiServer, helm: Helm) -> None:
    minimal = ("--values", values_of("minimal"))
    with kubelet(pocket):
        helm(*install(*minimal))
    before = kept(pocket, "deployments,configmaps")

    with kubelet(pocket, lambda _command, _variables: False):
        told = helm(*upgrade(*minimal, "--set", "image.tag=9.9.9"), is_success=False)

    after = kept(pocket, "deployments,configmaps")
    assert "pre-upgrade hooks failed" in told
    assert [after[name]["spec"] for name in before if name.startswith("Deployment/")] == [
        body["spec"] for name, body in before.items() if name.startswith("Deployment/")
    ]


@pytest.mark.parametrize("name", ["production", "keda"])
def test_that_every_set_of_values_is_taken_without_a_warning(pocket: ApiServer, helm: Helm, name: str) -> None:
    with kubelet(pocket) as player:
        kubectl.run(pocket.kubeconfig, "create", "namespace", NAMESPACE)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dbaas-secrets"}}
        held = dict.fromkeys(REQUIRED_SECRETS, "x")
        body = yaml.safe_dump({**secret, "stringData": held})
        kubectl.run(pocket.kubeconfig, "--namespace", NAMESPACE, "create", "-f", "-", stdin=body)
        told = helm(*install("--values", values_of(name)))

    assert "STATUS: deployed" in told
    assert "warning" not in told.lower()
    assert player.ran or name == "keda"


def test_that_the_installed_accounts_may_do_their_work_and_no_more(pocket: ApiServer, helm: Helm) -> None:
    def may(account: str, *question: str) -> bool:
        user = f"system:serviceaccount:{NAMESPACE}:{account}"
        line, environment = kubectl.command(
            "kubectl", pocket.kubeconfig, "auth", "can-i", *question, "--as", user, "--quiet", "-n", "dbaas-shop"
        )
        return run(line, **environment).returncode == 0

    with kubelet(pocket):
        helm(*install("--values", values_of("minimal")))

    assert may("dbaas-worker", "create", "namespaces")
    assert may("dbaas-worker", "list", "postgreses.kubedb.com")
    assert may("dbaas-watcher", "watch", "postgreses.kubedb.com")
    assert not may("dbaas-watcher", "create", "postgreses.kubedb.com")
    assert not may("dbaas-web", "get", "secrets")
    assert not may("dbaas-worker", "get", "secrets")
    assert not may("dbaas", "get", "secrets")
