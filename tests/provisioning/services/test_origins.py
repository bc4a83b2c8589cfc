"""That a new database takes from its origin what the order leaves out, and that what could not be restored is refused before it begins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.backups.driver import NoBackupsHere
from provisioning.models import Cluster, Database, Operation
from provisioning.orders import InvalidOrder, Origin, Wish
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import order_database
from tenants.models import Quota, Tenant
from tests import cast
from tests.provisioning.rows import at_rest, backup_of, let_back_up, policy_for

Ordered = Callable[..., Operation]
GIB = 2**30
NOW = SYSTEM_CLOCK.now()


@pytest.fixture
def source(nowhere: Cluster, ordered: Ordered) -> Database:
    """A database whose content others begin with: not of the default size, version or layout."""
    let_back_up(nowhere)
    return at_rest(
        ordered(plan="medium", version="16.8", storage_gib=30, topology={"mode": "replicated", "replicas": 2})
    )


def copy(by: User, tenant: Tenant, origin: Origin, **wish: Any) -> Operation:
    wished = Wish(name="copy", restore_from=origin, **wish)
    return order_database(cast.acting(by), tenant.id, wished, Idempotency()).operation


def refusal(by: User, tenant: Tenant, origin: Origin, **wish: Any) -> tuple[str, str]:
    """Return field and code of the only thing that is wrong, after which there must be no new database."""
    before = Database.objects.count()
    with pytest.raises(InvalidOrder) as refused:
        copy(by, tenant, origin, **wish)
    (error,) = refused.value.errors
    assert Database.objects.count() == before
    return error.field, error.code


def test_that_all_that_is_left_out_is_the_source_s(alice: User, shop: Tenant, source: Database) -> None:
    backup = backup_of(source)

    operation = copy(alice, shop, Origin(backup=backup.id))

    made = operation.database
    same = ("engine", "version", "plan", "cpu_millicores", "memory_mib", "storage_gib", "topology", "region")
    assert {name: getattr(made, name) for name in same} == {name: getattr(source, name) for name in same}
    assert operation.kind == "restore_into_new"
    assert operation.params == {"backup": str(backup.id), "source": str(source.id), "point_in_time": None}
    assert made.object_name != source.object_name
    assert Quota.objects.get(tenant=shop).used_databases == 2


def test_that_what_is_said_goes_before_what_the_source_has(alice: User, shop: Tenant, source: Database) -> None:
    wish: dict[str, Any] = {"version": "17.5", "plan": "large", "storage_gib": 50, "topology": {"mode": "standalone"}}

    made = copy(alice, shop, Origin(backup=backup_of(source).id), **wish).database

    assert (made.version, made.plan, made.storage_gib, made.topology) == ("17.5", "large", 50, {"mode": "standalone"})


def test_that_the_backup_s_version_counts_and_not_what_the_source_became(
    alice: User, shop: Tenant, source: Database
) -> None:
    backup = backup_of(source, version="16.4")

    assert copy(alice, shop, Origin(backup=backup.id)).database.version == "16.4"


def test_that_a_custom_size_becomes_the_smallest_plan_that_has_as_much(
    alice: User, shop: Tenant, source: Database
) -> None:
    Database.objects.update(plan="custom", cpu_millicores=1500, memory_mib=4096)

    assert copy(alice, shop, Origin(backup=backup_of(source).id)).database.plan == "medium"


def test_that_a_custom_size_above_all_plans_becomes_the_largest(alice: User, shop: Tenant, source: Database) -> None:
    Quota.objects.filter(tenant=shop).update(max_cpu_millicores=10**6, max_memory_mib=10**6)
    Database.objects.update(plan="custom", cpu_millicores=60000, memory_mib=4096)

    assert copy(alice, shop, Origin(backup=backup_of(source).id)).database.plan == "xlarge"


def test_that_a_deleted_database_s_backup_can_be_restored(alice: User, shop: Tenant, source: Database) -> None:
    backup = backup_of(source)
    Database.objects.update(is_live=False, state="deleted")

    assert copy(alice, shop, Origin(backup=backup.id)).database.version == "16.8"


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        (Origin(), "ambiguous"),
        (Origin(backup=uuid4(), database=uuid4()), "ambiguous"),
    ],
)
def test_that_one_origin_is_named(alice: User, shop: Tenant, nowhere: Cluster, origin: Origin, code: str) -> None:
    del nowhere

    assert refusal(alice, shop, origin) == ("restore_from", code)


def test_that_a_backup_that_is_none_is_unknown(alice: User, shop: Tenant, source: Database) -> None:
    failed = backup_of(source, state="failed")

    found = [refusal(alice, shop, Origin(backup=identifier)) for identifier in (uuid4(), failed.id)]

    assert found == [("restore_from.backup", "unknown_backup")] * 2


def test_that_another_tenant_s_backup_is_unknown(charlie: User, shop: Tenant, source: Database) -> None:
    del shop
    theirs = cast.tenant_of(charlie, "theirs")

    assert refusal(charlie, theirs, Origin(backup=backup_of(source).id)) == ("restore_from.backup", "unknown_backup")


def test_that_another_tenant_s_database_is_unknown(charlie: User, shop: Tenant, source: Database) -> None:
    del shop
    policy_for(source, point_in_time=True)
    origin = Origin(database=source.id, point_in_time=NOW)

    assert refusal(charlie, cast.tenant_of(charlie, "theirs"), origin) == (
        "restore_from.database",
        "unknown_database",
    )


@pytest.mark.parametrize(
    ("wish", "path", "code"),
    [
        ({"engine": "redis"}, "engine", "must_be_same"),
        ({"region": "elsewhere"}, "region", "must_be_same"),
        ({"version": "15.17"}, "version", "too_old"),
        ({"version": "16.4"}, "version", "too_old"),
        ({"version": "99"}, "version", "unknown_version"),
        ({"storage_gib": 29}, "storage_gib", "too_small"),
    ],
)
def test_that_a_database_that_cannot_take_the_content_is_refused(
    alice: User, shop: Tenant, source: Database, wish: dict[str, Any], path: str, code: str
) -> None:
    backup = backup_of(source, size_bytes=29 * GIB + 1)

    assert refusal(alice, shop, Origin(backup=backup.id), **wish) == (path, code)


def test_that_another_distribution_s_backup_is_refused(
    alice: User, shop: Tenant, nowhere: Cluster, ordered: Ordered
) -> None:
    let_back_up(nowhere)
    redis = at_rest(ordered("cache", "redis", version="7.2.4"))
    backup = backup_of(redis)

    assert refusal(alice, shop, Origin(backup=backup.id), version="valkey-8.1.1") == ("version", "too_old")


def test_that_nothing_is_restored_where_there_are_no_backups(alice: User, shop: Tenant, source: Database) -> None:
    backup = backup_of(source)
    Cluster.objects.update(backup_driver="")

    with pytest.raises(NoBackupsHere):
        copy(alice, shop, Origin(backup=backup.id))


@pytest.fixture
def archived(source: Database) -> Database:
    """The source with every change of the last hour kept."""
    policy_for(source, point_in_time=True)
    Database.objects.update(restorable_from=NOW - timedelta(hours=1), restorable_until=NOW)
    return source


def test_that_a_moment_can_be_chosen(alice: User, shop: Tenant, archived: Database) -> None:
    at = NOW - timedelta(minutes=5)

    operation = copy(alice, shop, Origin(database=archived.id, point_in_time=at))

    assert operation.params == {"backup": None, "source": str(archived.id), "point_in_time": at.isoformat()}
    assert (operation.database.version, operation.database.topology) == (archived.version, archived.topology)


@pytest.mark.parametrize("at", [None, NOW - timedelta(hours=2), NOW + timedelta(days=1)])
def test_that_a_moment_outside_the_window_is_refused(
    alice: User, shop: Tenant, archived: Database, at: datetime | None
) -> None:
    origin = Origin(database=archived.id, point_in_time=at)

    assert refusal(alice, shop, origin) == ("restore_from.point_in_time", "out_of_window")


def test_that_before_the_first_full_copy_there_is_no_moment(alice: User, shop: Tenant, archived: Database) -> None:
    Database.objects.update(restorable_from=None)
    origin = Origin(database=archived.id, point_in_time=NOW)

    assert refusal(alice, shop, origin) == ("restore_from.point_in_time", "out_of_window")


@pytest.mark.parametrize("wish", [{"version": "17.5"}, {"topology": {"mode": "standalone"}}])
def test_that_changes_are_replayed_by_the_same_server_only(
    alice: User, shop: Tenant, archived: Database, wish: dict[str, Any]
) -> None:
    origin = Origin(database=archived.id, point_in_time=NOW)

    assert refusal(alice, shop, origin, **wish) == ("version", "must_be_same")


def test_that_a_database_whose_changes_are_not_kept_has_no_moments(alice: User, shop: Tenant, source: Database) -> None:
    origin = Origin(database=source.id, point_in_time=NOW)
    without = refusal(alice, shop, origin)
    policy_for(source, point_in_time=False)

    assert [without, refusal(alice, shop, origin)] == [("restore_from.database", "unknown_database")] * 2
