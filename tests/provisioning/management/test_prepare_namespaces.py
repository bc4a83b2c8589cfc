"""That tenants' namespaces follow what changes without waiting for their next database."""

import io
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command

from provisioning.cluster.kinds import TENANCY_KINDS
from provisioning.models import Cluster, Database, Operation
from tenants.models import Quota, Tenant
from tests.provisioning.stage import Stage


def prepare() -> str:
    printed = io.StringIO()
    call_command("prepare_namespaces", "pocket", stdout=printed)
    return printed.getvalue()


def test_that_a_changed_quota_reaches_the_namespace(database: Database, shop: Tenant, stage: Stage) -> None:
    Quota.objects.filter(tenant=shop).update(max_storage_gib=44)

    assert prepare() == f"{database.namespace} is up to date.\n"

    (limits,) = stage.kube.list(TENANCY_KINDS[0], namespace=database.namespace)[0]
    assert limits["spec"]["hard"]["requests.storage"] == "75Gi"


def test_that_a_tenant_has_one_namespace_however_many_databases(
    database: Database, ordered: Callable[..., Operation]
) -> None:
    ordered("another")

    assert prepare().splitlines() == [f"{database.namespace} is up to date."]


def test_that_nothing_is_done_where_nothing_lives(pocket: Cluster) -> None:
    assert (prepare(), pocket.name) == ("", "pocket")


@pytest.mark.django_db
def test_that_an_unknown_cluster_is_told() -> None:
    with pytest.raises(CommandError, match="No cluster pocket is registered"):
        prepare()


def test_that_a_namespace_that_cannot_be_prepared_is_named(database: Database) -> None:
    Cluster.objects.update(kubeconfig_path="/nonexistent/file")

    with pytest.raises(CommandError, match=f"{database.namespace} could not be prepared"):
        prepare()
