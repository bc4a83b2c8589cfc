"""That a tenant's namespace is made complete, costs one look from then on, and follows what changes."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from provisioning.cluster.client import Reach
from provisioning.cluster.kinds import NAMESPACE, TENANCY_KINDS, Ref
from provisioning.engine import Body
from provisioning.models import Cluster, Database, Operation, Resource
from provisioning.services.acceptance import ask_to_cancel
from provisioning.tenancy import FINGERPRINT
from tenants.models import Quota, Tenant
from tests.contract.recording import Recorder, Worker
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]


class Calls(Recorder):
    """Counts what is read as well."""

    reads = 0

    def get(self, ref: Ref) -> Body | None:
        """Read the object, and count."""
        self.reads += 1
        return super().get(ref)


@dataclass
class Site:
    """A tenant's namespace, and the step that prepares it."""

    worker: Worker
    calls: Calls
    stage: Stage

    def prepare(self, operation: Operation) -> tuple[int, int]:
        """Take the step, and return how many calls it has read and written with."""
        self.calls.sent.clear()
        self.calls.reads = 0
        self.worker.take(operation, "apply_namespace")
        return self.calls.reads, len(self.calls.sent)

    def holds(self, namespace: str) -> Counter[str]:
        """Return how many objects of each kind stand in the namespace."""
        return Counter(kind.kind for kind in TENANCY_KINDS for _ in self.stage.kube.list(kind, namespace=namespace)[0])

    def metadata(self, namespace: str) -> Body:
        """Return the namespace's own."""
        found = self.stage.kube.get(Ref(kind=NAMESPACE, name=namespace))
        assert found is not None
        return dict(found["metadata"])


@pytest.fixture
def site(stage: Stage) -> Site:
    calls = Calls(Reach(kubeconfig_path=stage.cluster.kubeconfig_path))
    return Site(worker=Worker(by=None, gateway=calls), calls=calls, stage=stage)


@pytest.fixture
def operation(ordered: Ordered, stage: Stage, shop: Tenant) -> Iterator[Operation]:
    """An order whose tenant has a namespace to itself: the pocket cluster serves the whole session."""
    made = ordered()
    namespace = f"dbaas-{made.id.hex}"
    Database.objects.filter(tenant_id=shop.id).update(namespace=namespace)
    yield made
    found = stage.kube.get(Ref(kind=NAMESPACE, name=namespace))
    if found is not None:
        stage.kube.delete(Ref(kind=NAMESPACE, name=namespace), uid=found["metadata"]["uid"])


def namespace_of(operation: Operation) -> str:
    return Database.objects.get(pk=operation.database_id).namespace


def test_that_the_namespace_is_complete(operation: Operation, site: Site) -> None:
    site.prepare(operation)

    namespace = namespace_of(operation)
    assert site.holds(namespace) == {"ResourceQuota": 1, "LimitRange": 1, "NetworkPolicy": 6}
    assert site.metadata(namespace)["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


def test_that_a_prepared_namespace_costs_one_look(operation: Operation, site: Site) -> None:
    site.prepare(operation)

    assert site.prepare(operation) == (1, 0)


def test_that_a_set_that_was_left_half_made_is_made_again(operation: Operation, site: Site) -> None:
    site.prepare(operation)
    ref = Ref(kind=NAMESPACE, name=namespace_of(operation))
    site.stage.kube.merge(ref, {"metadata": {"annotations": {FINGERPRINT: None}}})

    assert site.prepare(operation) == (1, 10)


def test_that_a_changed_quota_reaches_the_namespace_with_the_next_operation(
    operation: Operation, site: Site, shop: Tenant
) -> None:
    site.prepare(operation)
    Quota.objects.filter(tenant=shop).update(max_storage_gib=40)

    site.prepare(operation)

    (limits,) = site.stage.kube.list(TENANCY_KINDS[0], namespace=namespace_of(operation))[0]
    assert limits["spec"]["hard"]["requests.storage"] == "70Gi"


def test_that_an_engine_that_needs_it_lifts_the_pod_security_level(operation: Operation, site: Site) -> None:
    Database.objects.filter(pk=operation.database_id).update(engine="elasticsearch", version="xpack-9.1.9")

    site.prepare(operation)

    assert site.metadata(namespace_of(operation))["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"


def test_that_a_cluster_that_has_its_own_ways_is_left_alone(operation: Operation, site: Site) -> None:
    Cluster.objects.update(is_tenancy_enforced=False)

    assert site.prepare(operation) == (0, 1)
    assert site.holds(namespace_of(operation)) == {}


def test_that_a_database_s_policy_comes_and_goes_with_it(ordered: Ordered, stage: Stage) -> None:
    operation = ordered()
    stage.work(operation)
    line = Resource.objects.get(database=operation.database_id, kind="NetworkPolicy")
    policy = Ref(kind=TENANCY_KINDS[2], name=line.name, namespace=line.namespace)
    assert stage.kube.get(policy) is not None
    ask_to_cancel(operation.id, stage.clock.now(), why="Changed my mind.")

    stage.work_on(operation)

    line.refresh_from_db()
    assert (stage.kube.get(policy), line.is_gone) == (None, True)
