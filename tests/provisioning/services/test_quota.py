"""Tests that a tenant sees what runs, what operations have taken besides, and what is left."""

from collections.abc import Callable

import pytest

from accounts.models import User
from provisioning.backup_space import used_backup_gib
from provisioning.models import Backup, Cluster, Database, Operation
from provisioning.services.acceptance import Idempotency
from provisioning.services.quota import read_quota
from provisioning.services.requesting import request_operation
from tenants.models import Quota, Tenant
from tenants.quota import QuotaExceeded
from tests.cast import Api, acting, body_of
from tests.provisioning.rows import at_rest, backup_of, let_back_up

Ordered = Callable[..., Operation]
GIB = 2**30


@pytest.fixture
def ready(ordered: Ordered, nowhere: Cluster) -> Database:
    """A database at rest, in a cluster that is set up for backups."""
    let_back_up(nowhere)
    return at_rest(ordered())


def standing(user: User, tenant: Tenant, resource: str) -> tuple[int, int, int]:
    found = read_quota(acting(user), tenant.id)[1][resource]
    return found.used, found.reserved, found.available


@pytest.mark.usefixtures("nowhere")
def test_that_what_is_being_made_is_reserved_and_then_used(ordered: Ordered, shop: Tenant, alice: User) -> None:
    operation = ordered()
    while_made = standing(alice, shop, "databases")

    at_rest(operation)

    assert (while_made, standing(alice, shop, "databases")) == ((0, 1, 9), (1, 0, 9))


def test_that_growing_reserves_the_difference(ready: Database, shop: Tenant, alice: User) -> None:
    before = standing(alice, shop, "storage_gib")

    request_operation(acting(alice), ready.id, "scale", {"storage_gib": ready.storage_gib + 7}, Idempotency())

    assert standing(alice, shop, "storage_gib") == (before[0], 7, before[2] - 7)


@pytest.mark.usefixtures("ready")
def test_that_nothing_is_left_where_the_limit_was_set_below_the_use(shop: Tenant, alice: User) -> None:
    Quota.objects.filter(tenant=shop).update(max_storage_gib=1)

    assert standing(alice, shop, "storage_gib")[2] == 0


def test_that_backups_take_whole_gib(ready: Database, shop: Tenant, alice: User) -> None:
    assert used_backup_gib(shop.id) == 0

    backup_of(ready, size_bytes=GIB)
    backup_of(ready, size_bytes=1)
    backup_of(ready, size_bytes=GIB, state="deleted")

    assert standing(alice, shop, "backup_gib") == (2, 0, 998)


def test_that_no_backup_is_asked_for_where_those_that_are_kept_fill_the_quota(
    ready: Database, shop: Tenant, alice: User
) -> None:
    Quota.objects.filter(tenant=shop).update(max_backup_gib=2)
    backup_of(ready, size_bytes=2 * GIB)

    with pytest.raises(QuotaExceeded) as caught:
        request_operation(acting(alice), ready.id, "backup", {}, Idempotency())

    assert caught.value.extra["exceeded"] == [{"resource": "backup_gib", "limit": 2, "used": 2, "asked": 1}]
    Backup.objects.update(state="deleted")
    assert request_operation(acting(alice), ready.id, "backup", {}, Idempotency())


@pytest.mark.usefixtures("ready")
def test_that_the_api_tells_all_of_it(api: Api, shop: Tenant, bob: User) -> None:
    told = body_of(api.by(bob).get(f"tenants/{shop.id}/quota"))

    assert told["plan"] == "standard"
    assert told["databases"] == {"limit": 10, "used": 1, "reserved": 0, "available": 9}
    assert set(told) == {"plan", "databases", "cpu_millicores", "memory_mib", "storage_gib", "backup_gib"}
