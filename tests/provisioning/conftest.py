"""What tests of provisioning share: a registered pocket cluster, orders, and a hand that plays the cluster's operator."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from provisioning.cluster.client import Gateway, Reach
from provisioning.models import Cluster, Database, Operation
from provisioning.orders import Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tenants.models import Tenant
from tests import cast
from tests.devcluster.conftest import ApiServer, cluster, fresh_cluster
from tests.provisioning.stage import Stage, StoppedClock

__all__ = ["ApiServer", "cluster", "fresh_cluster"]


@pytest.fixture
def clock() -> StoppedClock:
    """A clock that moves only when a test moves it."""
    return StoppedClock()


@pytest.fixture
def nowhere(db: None) -> Cluster:
    """A registered cluster that nobody answers for: enough wherever nothing may call it."""
    del db
    return Cluster.objects.create(
        name="nowhere", region="local", kubeconfig_path="/nonexistent", default_access="internal"
    )


@pytest.fixture
def pocket(transactional_db: None, cluster: ApiServer) -> Cluster:
    """The session's pocket cluster, registered; its operator is the test itself."""
    del transactional_db
    return Cluster.objects.create(
        name="pocket",
        region="local",
        kubeconfig_path=str(cluster.kubeconfig),
        external_service_type="NodePort",
        node_address="127.0.0.1",
        default_access="external",
        backup_driver="kubestash",
        backup_namespace="backups",
        backup_storage="storage",
        backup_encryption_secret="storage-key",
        archiver="archiver",
    )


@pytest.fixture
def kube(cluster: ApiServer) -> Gateway:
    """A gateway of the test's own to the pocket cluster."""
    return Gateway(Reach(kubeconfig_path=str(cluster.kubeconfig)))


@pytest.fixture
def ordered(alice: User, shop: Tenant) -> Callable[..., Operation]:
    """Order a database of alice's tenant, and return the provision operation; needs a cluster fixture."""

    def order(name: str = "orders", engine: str = "postgres", **wish: Any) -> Operation:
        accepted = order_database(cast.acting(alice), shop.id, Wish(name=name, engine=engine, **wish), Idempotency())
        return accepted.operation

    return order


@pytest.fixture
def stage(pocket: Cluster, kube: Gateway, clock: StoppedClock) -> Stage:
    """The pocket cluster with a test in the operator's role, and workers that work when they are told to."""
    return Stage(kube=kube, clock=clock, cluster=pocket)


@pytest.fixture
def database(ordered: Callable[..., Operation], stage: Stage) -> Database:
    """A database that was provisioned on the pocket cluster and is ready."""
    operation = ordered()
    stage.provision(operation)
    stage.clock.forward(timedelta(seconds=1))
    return Database.objects.get(pk=operation.database_id)
