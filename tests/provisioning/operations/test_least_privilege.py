"""That the worker's account suffices for an operation, and that without any one of its rights the operation ends with a clear error."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import NAMESPACE, Ref, ref_of
from provisioning.engine import Body
from provisioning.models import Cluster, Database, Operation
from tenants.models import Tenant
from tests.provisioning.stage import Stage

MANIFEST = Path(__file__).parents[3] / "deploy/kubernetes/rbac.yaml"
EVERYWHERE, IN_TENANT = "dbaas-worker", "dbaas-worker-tenant"
ONE_LESS = [
    (EVERYWHERE, "", "namespaces", "get"),
    (EVERYWHERE, "", "namespaces", "patch"),
    (EVERYWHERE, "rbac.authorization.k8s.io", "rolebindings", "patch"),
    (IN_TENANT, "", "resourcequotas", "patch"),
    (IN_TENANT, "", "limitranges", "patch"),
    (IN_TENANT, "", "services", "get"),
    (IN_TENANT, "networking.k8s.io", "networkpolicies", "patch"),
    (IN_TENANT, "networking.k8s.io", "networkpolicies", "create"),
    (IN_TENANT, "kubedb.com", "postgreses", "create"),
    (IN_TENANT, "kubedb.com", "postgreses", "get"),
]


@pytest.fixture
def with_accounts(stage: Stage, kube: Gateway, tmp_path: Path, settings: Any) -> Iterator[Stage]:
    """The stage with workers that have nothing but the worker's account."""
    copied = shutil.copy(stage.cluster.kubeconfig_path, tmp_path / "kubeconfig")
    Cluster.objects.update(kubeconfig_path=str(copied))
    call_command("prepare_accounts", "pocket", kubeconfigs=True, verbosity=0)
    settings.CLUSTER_ACCOUNT = "worker"
    yield stage
    for body in yaml.safe_load_all(MANIFEST.read_text()):
        kube.apply(body)


@pytest.fixture
def order(ordered: Callable[..., Operation], with_accounts: Stage, shop: Tenant) -> Iterator[Operation]:
    """An order whose tenant has a namespace that is not there yet: the pocket cluster serves the whole session."""
    made = ordered()
    namespace = f"dbaas-{made.id.hex}"
    Database.objects.filter(tenant_id=shop.id).update(namespace=namespace)
    yield made
    found = with_accounts.kube.get(Ref(kind=NAMESPACE, name=namespace))
    if found is not None:
        with_accounts.kube.delete(Ref(kind=NAMESPACE, name=namespace), uid=found["metadata"]["uid"])


def test_that_the_worker_s_rights_suffice(order: Operation, with_accounts: Stage) -> None:
    assert with_accounts.provision(order).state == "succeeded"


@pytest.mark.parametrize(("role", "group", "resource", "verb"), ONE_LESS)
def test_that_one_right_less_ends_the_operation_and_is_named(
    order: Operation, with_accounts: Stage, role: str, group: str, resource: str, verb: str
) -> None:
    take_away(with_accounts.kube, role, group, resource, verb)

    ended = with_accounts.play(order)

    assert (ended.state in ("failed", "stuck"), ended.error_code) == (True, "cluster.forbidden")
    assert f'cannot {verb} resource "{resource}"' in ended.error_detail
    assert ended.database.state != "ready"


def take_away(kube: Gateway, name: str, group: str, resource: str, verb: str) -> None:
    """Change the role so that it no longer grants this, and all the rest."""
    bodies: list[Body] = list(yaml.safe_load_all(MANIFEST.read_text()))
    role = next(body for body in bodies if body["kind"] == "ClusterRole" and body["metadata"]["name"] == name)
    granting = [rule for rule in role["rules"] if group in rule["apiGroups"] and resource in rule["resources"]]
    (rule,) = [rule for rule in granting if verb in rule["verbs"]]
    others = {**rule, "resources": [other for other in rule["resources"] if other != resource]}
    less = {**rule, "resources": [resource], "verbs": [other for other in rule["verbs"] if other != verb]}
    kept = [other for other in role["rules"] if other is not rule]
    rules = [*kept, *(part for part in (others, less) if part["resources"] and part["verbs"])]
    kube.merge(ref_of(role), {"rules": rules})
