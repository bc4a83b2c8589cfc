"""Where a new database's content comes from: fill the order in from there, and refuse what could not be restored."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import FieldError
from provisioning.backups import driver_of
from provisioning.engines import all_engines
from provisioning.models import Backup, BackupPolicy, Database
from provisioning.orders import InvalidOrder, Origin, Wish
from provisioning.sizes import GIB, PLANS


def resolve(tenant_id: UUID, wish: Wish, origin: Origin) -> tuple[Wish, dict[str, Any]]:
    """Return the wish completed from its origin, and the parameters of the operation.

    Raises: InvalidOrder — there is no such origin in this tenant, or the database that is wished for cannot take its content.
    """
    if (origin.backup is None) == (origin.database is None):
        raise _refusal("restore_from", "needs either `backup`, or `database` with `point_in_time`.", "ambiguous")
    if origin.backup is not None:
        return _from_backup(tenant_id, wish, origin.backup)
    return _from_moment(tenant_id, wish, origin)


def _from_backup(tenant_id: UUID, wish: Wish, identifier: UUID) -> tuple[Wish, dict[str, Any]]:
    backup = Backup.objects.select_related("database__cluster").filter(pk=identifier, tenant_id=tenant_id).first()
    if backup is None or backup.state != "succeeded":
        raise _refusal("restore_from.backup", "there is no such successful backup in this tenant.", "unknown_backup")
    driver_of(backup.database.cluster)
    complete = _completed(wish, backup.database, version=backup.version)
    _check_version(complete, backup.version)
    needed = -(-(backup.size_bytes or 0) // GIB)
    if (complete.storage_gib or 0) < needed:
        raise _refusal("storage_gib", f"the backup alone has {needed} GiB.", "too_small")
    return complete, {"backup": str(backup.pk), "source": str(backup.database_id), "point_in_time": None}


def _from_moment(tenant_id: UUID, wish: Wish, origin: Origin) -> tuple[Wish, dict[str, Any]]:
    databases = Database.objects.select_related("cluster").filter(tenant_id=tenant_id)
    source = databases.filter(pk=origin.database).first() if origin.database else None
    policy = BackupPolicy.objects.filter(database=source).first() if source else None
    if source is None or policy is None or not policy.point_in_time:
        message = "there is no such database in this tenant whose backup policy has `point_in_time`."
        raise _refusal("restore_from.database", message, "unknown_database")
    at = origin.point_in_time
    begins = source.restorable_from
    if at is None or begins is None or not begins <= at <= SYSTEM_CLOCK.now():
        window = f"must be between {begins.isoformat()} and now." if begins else "no moment can be restored yet."
        raise _refusal("restore_from.point_in_time", window, "out_of_window")
    complete = _completed(wish, source, version=source.version)
    same = complete.version == source.version and (complete.topology or {}).get("mode") == source.topology["mode"]
    if not same:
        message = "must be the source's version and mode: the changes are replayed by the same server."
        raise _refusal("version", message, "must_be_same")
    return complete, {"backup": None, "source": str(source.pk), "point_in_time": at.isoformat()}


def _completed(wish: Wish, source: Database, *, version: str) -> Wish:
    if wish.engine not in (None, source.engine):
        raise _refusal("engine", f"the content is {source.engine}'s: leave the engine out.", "must_be_same")
    if wish.region not in (None, source.region):
        raise _refusal("region", f"the content is in {source.region}: leave the region out.", "must_be_same")
    return replace(
        wish,
        engine=source.engine,
        version=wish.version or version,
        topology=source.topology if wish.topology is None else wish.topology,
        plan=wish.plan or _plan_for(source),
        storage_gib=source.storage_gib if wish.storage_gib is None else wish.storage_gib,
        region=source.region,
    )


def _plan_for(source: Database) -> str:
    """Return the source's plan, or the smallest that has as much."""
    if source.plan in PLANS:
        return source.plan
    enough = (
        plan.name
        for plan in PLANS.values()
        if plan.cpu_millicores >= source.cpu_millicores and plan.memory_mib >= source.memory_mib
    )
    return next(enough, list(PLANS)[-1])


def _check_version(wish: Wish, taken_with: str) -> None:
    engine = all_engines()[wish.engine or ""]
    before, after = engine.version(taken_with), engine.version(wish.version or "")
    if before is None or after is None or before == after:
        return
    if after.distribution != before.distribution or after.number_parts < before.number_parts:
        message = f"the backup was taken with {taken_with}: take that version, or a newer one of {before.distribution}."
        raise _refusal("version", message, "too_old")


def _refusal(path: str, message: str, code: str) -> InvalidOrder:
    return InvalidOrder(errors=[FieldError(field=path, message=message, code=code)])
