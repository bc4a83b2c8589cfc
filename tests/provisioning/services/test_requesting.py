"""That an operation is accepted once per key even when it is asked for twice at once, and that quota holds the larger of two sizes."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError

from accounts.models import User
from provisioning.models import Cluster, Database, Operation
from provisioning.operations import all_workflows
from provisioning.orders import Wish
from provisioning.services.acceptance import Accepted, Idempotency
from provisioning.services.ordering import order_database
from provisioning.services.refusals import KeyReused, OperationInProgress
from provisioning.services.requesting import accept, request_operation
from provisioning.settlement import reserved
from tenants.models import Quota, Tenant
from tests import cast
from tests.provisioning.rows import at_rest

Ordered = Callable[..., Operation]
AtOnce = Callable[[list[Callable[[], Accepted]]], list[Accepted | Exception]]


@pytest.fixture
def resting(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database that is ready."""
    del nowhere
    return at_rest(ordered())


def ask(by: User, database: Database, kind: str = "restart", key: str | None = None, **body: Any) -> Accepted:
    idempotency = Idempotency(key=key, fingerprint=f"{kind}{sorted(body)}")
    return request_operation(cast.acting(by), database.id, kind, body, idempotency)


def test_that_growing_reserves_the_difference(alice: User, shop: Tenant, resting: Database) -> None:
    before = reserved(resting)

    ask(alice, resting, "scale", plan="medium", storage_gib=30)

    resting.refresh_from_db()
    after = reserved(resting)
    more = (after.cpu_millicores - before.cpu_millicores, after.memory_mib - before.memory_mib)
    assert more == (1000, 2048)
    assert (after.storage_gib - before.storage_gib, after.databases) == (20, 1)
    quota = Quota.objects.get(tenant=shop)
    assert (quota.used_databases, quota.used_cpu_millicores) == (1, after.cpu_millicores)
    assert (quota.used_memory_mib, quota.used_storage_gib) == (after.memory_mib, after.storage_gib)


def test_that_shrinking_gives_nothing_back_yet(alice: User, resting: Database) -> None:
    before = reserved(resting)

    ask(alice, resting, "scale", plan="micro")

    resting.refresh_from_db()
    assert reserved(resting) == before


def test_that_growing_here_and_shrinking_there_reserves_the_larger_of_each(alice: User, resting: Database) -> None:
    before = reserved(resting)

    ask(alice, resting, "scale", plan="micro", storage_gib=30)

    resting.refresh_from_db()
    after = reserved(resting)
    assert (after.cpu_millicores, after.storage_gib) == (before.cpu_millicores, before.storage_gib + 20)


def test_that_the_broker_is_nudged_only_after_the_commit(
    alice: User, resting: Database, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        ask(alice, resting)

    assert len(callbacks) == 1


def test_that_what_has_a_way_of_its_own_is_not_asked_for_here(alice: User, resting: Database) -> None:
    with pytest.raises(ValueError, match="provision is not asked for in this way"):
        accept(cast.acting(alice), resting, all_workflows()["provision"], {}, Idempotency())


def test_that_a_key_of_another_request_that_came_first_is_found_out(
    alice: User, resting: Database, ordered: Ordered
) -> None:
    other = at_rest(ordered("other"))
    ask(alice, other, "pause", key="k1")

    with pytest.raises(KeyReused):
        ask(alice, resting, "restart", key="k1")

    resting.refresh_from_db()
    assert resting.state == "ready"


def test_that_a_failure_of_ours_is_not_taken_for_a_replay(alice: User, resting: Database) -> None:
    def clash() -> None:
        raise IntegrityError

    with pytest.raises(IntegrityError):
        request_operation(cast.acting(alice), resting.id, "restart", {}, Idempotency(key="k1"), along_with=clash)

    resting.refresh_from_db()
    assert resting.active_operation_id is None


def test_that_what_goes_along_is_undone_with_a_refusal(alice: User, resting: Database) -> None:
    Database.objects.filter(pk=resting.pk).update(active_operation_id=uuid4())

    def rename() -> None:
        Database.objects.filter(pk=resting.pk).update(display_name="Renamed")

    with pytest.raises(OperationInProgress):
        request_operation(cast.acting(alice), resting.id, "restart", {}, Idempotency(), along_with=rename)

    assert Database.objects.get(pk=resting.pk).display_name == ""


def at_once_database() -> tuple[User, Database]:
    """Return a database that is ready and its owner, for tests with a metadata database of their own."""
    owner = cast.person("alice")
    tenant = cast.tenant_of(owner)
    Cluster.objects.create(name="nowhere", region="local", kubeconfig_path="/nonexistent")
    wish = Wish(name="orders", engine="postgres")
    return owner, at_rest(order_database(cast.acting(owner), tenant.id, wish, Idempotency()).operation)


def test_that_one_key_at_once_gives_one_operation(shared_database: None, at_once: AtOnce) -> None:
    del shared_database
    owner, database = at_once_database()

    answers = at_once([lambda: ask(owner, database, key="k1")] * 8)

    operation = Operation.objects.get(kind="restart")
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert {answer.operation.id for answer in answers if isinstance(answer, Accepted)} == {operation.id}


def test_that_of_many_requests_at_once_one_has_the_database(shared_database: None, at_once: AtOnce) -> None:
    del shared_database
    owner, database = at_once_database()

    answers = at_once([lambda: ask(owner, database)] * 8)

    assert len([answer for answer in answers if isinstance(answer, Accepted)]) == 1
    assert len([answer for answer in answers if isinstance(answer, OperationInProgress)]) == 7
    assert Database.objects.get().active_operation_id == Operation.objects.get(kind="restart").id
