"""How old the newest good backup of each database with a policy is, and whether one that was due has not come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q
from django.db.models.functions import Coalesce

from dbaas.health.readings import Reading, Samples, single
from provisioning.backups.schedules import next_slot
from provisioning.models import BackupPolicy, Operation
from provisioning.states import DatabaseState, OperationState

DATABASES_SHOWN = 100
"""Databases with a series of their own: those whose newest good backup is the oldest."""
_LOOKED_AT = 2000
"""Policies whose schedules are worked out at most, oldest backup first: a second of work, once a minute."""


@dataclass(frozen=True, kw_only=True)
class _Kept:
    policy: BackupPolicy
    good_at: datetime | None
    """When the newest good backup began; None if there is none."""

    @property
    def since(self) -> datetime:
        return max(self.good_at or self.policy.applied_at, self.policy.applied_at)


def _kept() -> list[_Kept]:
    of_ready = BackupPolicy.objects.filter(database__state=DatabaseState.READY, is_paused=False)
    good = Max("database__backups__created_at", filter=Q(database__backups__state="succeeded"))
    rows = of_ready.select_related("database__tenant").annotate(good_at=good)
    oldest_first = rows.annotate(counts_from=Coalesce("good_at", "applied_at")).order_by("counts_from")
    return [_Kept(policy=policy, good_at=policy.good_at) for policy in oldest_first[:_LOOKED_AT]]


def _ages(now: datetime) -> Iterator[tuple[tuple[str, ...], float]]:
    for kept in _kept()[:DATABASES_SHOWN]:
        database = kept.policy.database
        age = now - (kept.good_at or kept.policy.applied_at)
        yield (database.tenant.name, str(database.pk), database.engine), max(age.total_seconds(), 0.0)


def _overdue(now: datetime) -> Samples:
    late = sorted(((_late_by(kept, now), kept.policy) for kept in _kept()), key=lambda pair: pair[0], reverse=True)
    return [
        ((policy.database.tenant.name, str(policy.database_id), policy.database.engine), seconds)
        for seconds, policy in late[:DATABASES_SHOWN]
        if seconds
    ]


def _late_by(kept: _Kept, now: datetime) -> float:
    """Return for how many seconds a backup has been due that has not come; 0 where none is."""
    due_at = next_slot(kept.policy.schedule, kept.policy.time_zone, kept.since)
    if due_at is None or due_at >= now:
        return 0.0
    resumed_at = _resumed_at(kept.policy)
    if resumed_at is not None and resumed_at > due_at:
        due_at = next_slot(kept.policy.schedule, kept.policy.time_zone, resumed_at) or now
    return max((now - due_at).total_seconds(), 0.0)


def _resumed_at(policy: BackupPolicy) -> datetime | None:
    """Return when the database last came back from a pause, during which nothing is backed up."""
    resumed = Operation.objects.filter(
        database_id=policy.database_id, kind="resume", state=OperationState.SUCCEEDED
    ).order_by("-id")
    return resumed.values_list("finished_at", flat=True).first()


def _policies(_now: datetime) -> float:
    return float(BackupPolicy.objects.filter(is_paused=False, database__state=DatabaseState.READY).count())


BACKUPS = (
    Reading(
        name="dbaas_backup_policies",
        text="Databases at rest that have a backup policy which is not paused.",
        read=single(_policies),
    ),
    Reading(
        name="dbaas_backup_age_seconds",
        text=(
            "Age of the newest good backup, or, without one, of the policy; of databases with a policy the "
            f"{DATABASES_SHOWN} with the oldest."
        ),
        labels=("tenant", "database", "engine"),
        read=_ages,
    ),
    Reading(
        name="dbaas_backup_overdue_seconds",
        text=f"For how long a backup has been due that has not come; the {DATABASES_SHOWN} longest, no sample where none is.",
        labels=("tenant", "database", "engine"),
        read=_overdue,
    ),
)
