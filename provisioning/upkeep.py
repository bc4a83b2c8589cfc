"""What is looked after between operations: copies that schedules take, slots that were missed, databases whose end has come.

Every part may run any number of times, at once: rows change by conditional updates, and an event has a key that makes it one.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from accounts.actor import Actor, Via
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.errors import Permanent, Rejected, Transient
from provisioning.announcements import announce_noticed
from provisioning.backups import all_drivers
from provisioning.backups.schedules import BadSchedule, in_utc, slots_between
from provisioning.cluster.registry import gateway_to
from provisioning.copies import note_all_copies
from provisioning.counters import BACKUPS_MISSED
from provisioning.models import Backup, BackupPolicy, Cluster, Database, DatabaseEvent, Operation
from provisioning.operations import all_workflows
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import Farewell, accept_deletion
from provisioning.services.refusals import DeletionProtected
from provisioning.services.requesting import accept
from provisioning.states import DatabaseState, OperationState

logger = logging.getLogger(__name__)

WARNED_BEFORE = timedelta(days=1)
SLOT_IS_MISSED_AFTER = timedelta(minutes=20)
"""The cluster's scheduler catches a slot up for ten minutes, and a copy takes a moment to show."""
LOOKS_BACK = timedelta(hours=6)
_AT_ONCE = 200


def look_after_backups(now: datetime) -> None:
    """Note what schedules have taken and what retention has removed, and tell of slots that were missed."""
    for cluster in Cluster.objects.filter(backup_driver__in=list(all_drivers())):
        try:
            note_all_copies(gateway_to(cluster), cluster)
        except (Transient, Permanent) as error:
            logger.warning("the backups in cluster %s could not be looked at: %s", cluster.name, error.detail)
            continue
        _tell_missed_slots(cluster, now)


def _tell_missed_slots(cluster: Cluster, now: datetime) -> None:
    due = BackupPolicy.objects.filter(
        database__cluster=cluster, database__state=DatabaseState.READY, is_paused=False
    ).select_related("database")
    until = now - SLOT_IS_MISSED_AFTER
    for policy in due.iterator():
        after = max(policy.applied_at, now - LOOKS_BACK, _resumed_at(policy.database) or policy.applied_at)
        for slot in slots_between(policy.schedule, policy.time_zone, after, until):
            if not _was_kept(policy, slot):
                _tell_missed(policy.database, slot, now)


def _tell_missed(database: Database, slot: datetime, now: datetime) -> None:
    message = f"No backup was taken at {slot.isoformat(timespec='minutes')}, as the policy has it."
    if tell(database, f"missed:{slot.isoformat()}", "BackupMissed", message, is_warning=True, now=now):
        BACKUPS_MISSED.inc()


def _resumed_at(database: Database) -> datetime | None:
    """Return when the database last came back from a pause, during which nothing is backed up."""
    resumed = Operation.objects.filter(database=database, kind="resume", state=OperationState.SUCCEEDED)
    return resumed.order_by("-id").values_list("finished_at", flat=True).first()


def _was_kept(policy: BackupPolicy, slot: datetime) -> bool:
    taken = Backup.objects.filter(database=policy.database, kind="scheduled", created_at__gte=slot)
    return taken.filter(created_at__lt=slot + SLOT_IS_MISSED_AFTER).exists()


def keep_schedules_local(now: datetime) -> None:
    """Set the policies again whose time zone has just moved its clocks, so that they stay at the hour that was asked for."""
    zoned = BackupPolicy.objects.exclude(time_zone="UTC").filter(database__state=DatabaseState.READY)
    for policy in zoned.select_related("database"):
        if not _has_moved(policy, now):
            continue
        names = ("schedule", "time_zone", "point_in_time", "is_paused")
        kept = ("keep_last", "keep_daily", "keep_weekly", "keep_monthly")
        body = {name: getattr(policy, name) for name in (*names, *kept)}
        try:
            accept(_system(policy.database), policy.database, all_workflows()["backup_policy"], body, Idempotency())
        except Rejected as refusal:
            logger.warning("the backup policy of %s is set again later: %s", policy.database_id, refusal.detail)


def _has_moved(policy: BackupPolicy, now: datetime) -> bool:
    """Tell whether the schedule is another one in UTC than it was when it was set."""
    try:
        before, then = (in_utc(policy.schedule, policy.time_zone, at=at) for at in (policy.applied_at, now))
    except (
        BadSchedule
    ) as error:  # a government has moved the clocks as nobody foresaw; the others must not wait for this one
        logger.warning("the backup policy of %s cannot be kept: %s", policy.database_id, error)
        return False
    return before != then


def expire_databases(now: datetime) -> None:
    """Delete what is due, keeping its backups, and warn a day before."""
    due = Database.objects.filter(is_live=True, expires_at__lte=now).exclude(active_operation_kind="delete")
    for database in due.order_by("deletion_protection", "expires_at")[:_AT_ONCE]:
        _expire(database, now)
    soon = Database.objects.filter(is_live=True, expires_at__lte=now + WARNED_BEFORE, expiry_told_at=None)
    for database in soon.order_by("expires_at")[:_AT_ONCE]:
        message = f"It deletes itself at {database.expires_at:%Y-%m-%d %H:%M} UTC. Change `expires_at` to keep it."
        tell(database, f"expiry:{database.expires_at}", "ExpiresSoon", message, is_warning=True, now=now)
        Database.objects.filter(pk=database.pk, expires_at=database.expires_at).update(expiry_told_at=now)


def _expire(database: Database, now: datetime) -> None:
    try:
        accept_deletion(_system(database), database, Idempotency(), Farewell())
    except DeletionProtected:
        message = "Its end has come, but it is protected from deletion: it stays."
        tell(database, f"protected:{database.expires_at}", "ExpiryRefused", message, is_warning=True, now=now)
    except Rejected as refusal:
        logger.info("database %s expires later: %s", database.pk, refusal.detail)


def _system(database: Database) -> Actor:
    """Return the product itself, on the word of whoever ordered the database."""
    return Actor(user_id=database.created_by or UUID(int=0), email="the system", via=Via.SYSTEM)


def tell(database: Database, key: str, reason: str, message: str, *, is_warning: bool, now: datetime) -> bool:
    """Write an event of the database down, once however often it is noticed; True the first time."""
    told = {"at": now, "reason": reason, "message": message, "is_warning": is_warning}
    with atomic():
        event, is_new = DatabaseEvent.objects.get_or_create(database=database, key=key[:120], defaults=told)
        if is_new:
            announce_noticed(database, event)
    return is_new


def look_after_all() -> None:
    """Do all of the above."""
    now = SYSTEM_CLOCK.now()
    expire_databases(now)
    keep_schedules_local(now)
    look_after_backups(now)
