"""Take copies of a database, and keep the rows that stand for them true to what the cluster has."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import after_commit, atomic
from dbaas.core.errors import Permanent
from provisioning.announcements import announce_backup
from provisioning.backups import driver_of
from provisioning.backups.driver import Outcome, Progress, Seen, Window, run_name
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import Ref, ref_of
from provisioning.cluster.ownership import is_being_deleted
from provisioning.counters import BACKUPS_FINISHED
from provisioning.engine import Body
from provisioning.models import Backup, BackupPolicy, Cluster, Database, Operation
from provisioning.readback import find_database, ref_to_database
from provisioning.run import Run
from provisioning.workflow.declare import Fail, Wait

_STATES = {
    Outcome.RUNNING: "running",
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.SKIPPED: "failed",
}
_MOST_RUNS = 20
_AGAIN_AFTER_SKIP = timedelta(seconds=5)
_AT_ONCE = 20
"""So many objects are deleted in one try of a step."""
_LOOK_AGAIN_IN = timedelta(seconds=1)
"""Nobody watches the tool's own objects: they do not carry our label."""


class TooManySkips(Permanent):
    """The backup tool skipped every run that was asked for, because others were running: look at the schedule, then try again."""

    code = "backup.always_skipped"


def configure(run: Run, policy: BackupPolicy | None) -> Wait | None:
    """Make the database one that is backed up, on request and by the policy, and wait until the tool has taken it up."""
    driver = driver_of(run.database.cluster)
    bodies = driver.configuration(run.database, run.engine, run.operation, policy)
    made = [run.put(body) for body in bodies]
    if driver.is_configured(made[-1]):
        return None
    return Wait(reason="The backup tool has not taken the configuration up yet.", again_in=timedelta(seconds=2))


def policy_of(database: Database) -> BackupPolicy | None:
    """Return the database's policy, if it has one."""
    return BackupPolicy.objects.filter(database_id=database.pk).first()


def take_copy(run: Run, kind: str, *, note: str = "") -> Wait | Fail | None:
    """Ask for one copy, wait for it, and write its row; where the tool skipped a run, the next one is asked for."""
    driver, database = driver_of(run.database.cluster), run.database
    configuration = run.gateway.get(driver.configuration_ref(database))
    if configuration is None or not driver.is_configured(configuration):
        return configure(run, policy_of(database)) or Wait(reason="The backup tool is ready.", again_in=timedelta())
    body, number, skipped_at = _latest(run, configuration)
    if body is None:
        if skipped_at is not None and run.now() < skipped_at + _AGAIN_AFTER_SKIP:
            return Wait(reason="Another backup of this database is running.", again_in=_AGAIN_AFTER_SKIP)
        body = _begin(run, driver.session(database, run.operation, _name(run, number), configuration), kind, note)
    progress = driver.progress(body)
    if progress.outcome in (Outcome.RUNNING, Outcome.SKIPPED):
        return Wait(reason=f"The backup is being taken. {progress.message}", done=progress.done)
    find_copies(run)
    return _end(run, progress)


def _latest(run: Run, configuration: Body) -> tuple[Body | None, int, datetime | None]:
    """Return the run of this operation that counts, or None with the number of the next one and when the tool skipped the one before."""
    driver = driver_of(run.database.cluster)
    skipped_at: datetime | None = None
    for number in range(1, _MOST_RUNS + 1):
        body = driver.session(run.database, run.operation, _name(run, number), configuration)
        found = run.find(ref_of(body))
        if found is None:
            return None, number, skipped_at
        if driver.progress(found).outcome is not Outcome.SKIPPED:
            return found, number, None
        skipped_at = datetime.fromisoformat(found["metadata"]["creationTimestamp"])
    raise TooManySkips


def _begin(run: Run, session: Body, kind: str, note: str) -> Body:
    """Write the row, then ask: a copy that nobody knows of would be a leak."""
    asked = {"run": session["metadata"]["name"], "state": "running"}
    new = {**_origin(run.database, run.now()), "operation_id": run.operation.pk, "kind": kind, "note": note[:200]}
    Backup.objects.update_or_create(pk=backup_id(run.operation), defaults=asked, create_defaults={**asked, **new})
    return run.create(session)


def _end(run: Run, progress: Progress) -> Fail | None:
    row = Backup.objects.filter(pk=backup_id(run.operation))
    if progress.outcome is Outcome.SUCCEEDED:
        _settle(row.filter(state="running"), now=run.now(), state="succeeded", taken_at=run.now())
        return None
    if row.filter(state="succeeded").exists():
        return None  # what failed came after the copy was whole, such as the clean-up of old ones
    _settle(row.exclude(state="failed"), now=run.now(), state="failed", error=progress.message)
    return Fail(code="backup.failed", detail=f"The backup failed: {progress.message}")


def give_up_copy(run: Run) -> None:
    """Note that nobody waits for the operation's copy any longer; where the tool completes it after all, its row will say so."""
    told = "The operation ended before the copy was whole."
    _settle(
        Backup.objects.filter(pk=backup_id(run.operation), state="running"), now=run.now(), state="failed", error=told
    )


def _settle(rows: QuerySet[Backup], *, now: datetime, **columns: Any) -> None:
    """Write how one copy ended, if nobody has yet, and tell of it."""
    with atomic():
        row = rows.first()
        if row is not None and rows.update(**columns):
            _count(row, columns["state"])
            announce_backup(Backup.objects.select_related("database").get(pk=row.pk), at=now)


def _count(row: Backup, state: str) -> None:
    if state in ("succeeded", "failed"):
        ended = BACKUPS_FINISHED.labels(engine=row.engine, kind=row.kind, outcome=state)
        after_commit(ended.inc)


def find_copies(run: Run) -> None:
    """Bring the rows of the database's copies in line with what the tool reports this moment."""
    seen = driver_of(run.database.cluster).seen(run.gateway, run.database)
    note_copies(seen, [run.database], now=run.now())


def archive(run: Run, *, wanted: bool) -> None:
    """Let the archiver keep every change of the database, or no longer; nothing where there is no archiver."""
    cluster = run.database.cluster
    if cluster.archiver and run.engine.backup.archiver_kind:
        run.change(find_database(run), driver_of(cluster).archiving(cluster, wanted=wanted))


def end_archiving(run: Run) -> Wait | None:
    """Let the archiver keep no more of a database that is to go, if it is there and does."""
    found = run.gateway.get(ref_to_database(run))
    if found is None or is_being_deleted(found) or not found["spec"].get("archiver"):
        return None
    archive(run, wanted=False)
    return Wait(reason="The database is no longer archived.", again_in=timedelta())


def discard_copies(run: Run, backups: Iterable[Backup]) -> Wait | None:
    """Bring some of these copies one step nearer to being gone, their content included; None once all are, which their rows then say too."""
    left = [backup for backup in islice(backups, _AT_ONCE) if not _discard_copy(run, backup)]
    return Wait(reason=f"Backups that are being deleted: {len(left)}.", again_in=_LOOK_AGAIN_IN) if left else None


def discard_archive(run: Run) -> Wait | None:
    """Bring what the archiver keeps of the database one step nearer to being gone; None once nothing is left."""
    found = driver_of(run.database.cluster).archived(run.gateway, run.database)[:_AT_ONCE]
    left = [ref for ref in found if not _discard(run, ref)]
    return Wait(reason="What was kept of every change is being deleted.", again_in=_LOOK_AGAIN_IN) if left else None


def discard_repositories(run: Run) -> Wait | None:
    """Bring the tool's empty repositories one step nearer to being gone; one that still holds a copy stays."""
    held = Backup.objects.filter(database=run.database).exclude(state="deleted").values_list("repository", flat=True)
    empty = [ref for ref in driver_of(run.database.cluster).repositories(run.database) if ref.name not in held]
    left = [ref for ref in empty if not _discard(run, ref)]
    return Wait(reason="What held the backups is being removed.", again_in=_LOOK_AGAIN_IN) if left else None


def _discard_copy(run: Run, backup: Backup) -> bool:
    if backup.snapshot and not _discard(run, driver_of(backup.cluster).copy_ref(backup)):
        return False
    Backup.objects.filter(pk=backup.pk).exclude(state="deleted").update(state="deleted", deleted_at=run.now())
    return True


def _discard(run: Run, ref: Ref) -> bool:
    """Bring an object of the backup tool's one step nearer to being gone with its content; True once it is."""
    found = run.gateway.get(ref)
    if found is None:
        return True
    if not is_being_deleted(found):
        if change := driver_of(run.database.cluster).forget_data(found):
            found = run.change(found, change)
        run.delete(ref, uid=found["metadata"]["uid"])
    return False


def backup_id(operation: Operation) -> Any:
    """Return the id of the copy that the operation takes: its own, one operation takes one copy."""
    return operation.params.get("backup_id") or operation.pk


def note_copies(seen: Iterable[Seen], databases: Iterable[Database], *, now: datetime) -> None:
    """Bring the rows of these databases' copies in line with what the tool reports; what it no longer has counts as deleted."""
    reported: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        reported[one.object_name].append(one)
    for database in databases:
        own = reported[database.object_name]  # made from the database's id, so no other one's

        present = {one.snapshot for one in own}
        counts = Q(snapshot__in=present) | ~Q(state="deleted")
        rows = list(Backup.objects.filter(counts, database=database))
        for one in own:
            _note(one, database, rows, now)
        for row in rows:
            if row.snapshot and row.snapshot not in present and row.state in ("running", "succeeded"):
                Backup.objects.filter(pk=row.pk).update(state="deleted", deleted_at=now)


def _note(one: Seen, database: Database, rows: list[Backup], now: datetime) -> None:
    known = next((row for row in rows if row.snapshot == one.snapshot or (row.run and row.run == one.run)), None)
    if one.is_leaving and (known is None or known.state == "deleted"):
        return
    columns: dict[str, Any] = {
        "snapshot": one.snapshot,
        "repository": one.repository,
        "state": _STATES[one.outcome],
        "size_bytes": one.size_bytes,
        "checksum": one.checksum,
        "error": one.error,
        "taken_at": one.at if one.outcome is Outcome.SUCCEEDED else None,
    }
    if known is not None:
        columns["deleted_at"] = None  # a list that was cut short once does not lose a copy for good
        changed = {name: value for name, value in columns.items() if getattr(known, name) != value}
        if changed:
            _change(known, changed, now)
    else:
        kind = "scheduled" if one.is_scheduled else "manual"
        with atomic():
            row, is_new = Backup.objects.get_or_create(
                cluster=database.cluster,
                namespace=database.namespace,
                snapshot=one.snapshot,
                defaults={**_origin(database, one.at or now), **columns, "kind": kind, "run": one.run},
            )
            if is_new:
                _count(row, row.state)
                announce_backup(row, at=now)


def _change(known: Backup, changed: dict[str, Any], now: datetime) -> None:
    """Write what the tool reports of a copy that is known; one that comes back after a list was cut short is no news."""
    row = Backup.objects.filter(pk=known.pk)
    if "state" in changed and known.state != "deleted":
        _settle(row.filter(state=known.state), now=now, **changed)
    else:
        row.update(**changed)


def _origin(database: Database, at: datetime) -> dict[str, Any]:
    return {
        "tenant_id": database.tenant_id,
        "database": database,
        "cluster": database.cluster,
        "namespace": database.namespace,
        "engine": database.engine,
        "version": database.version,
        "created_at": at,
    }


def note_all_copies(gateway: Gateway, cluster: Cluster) -> None:
    """Bring all copies of one cluster's databases, and their windows of recovery, in line with what the cluster has."""
    driver = driver_of(cluster)
    reported = driver.seen(gateway)
    objects = {one.object_name for one in reported}
    kept = Backup.objects.filter(cluster=cluster).exclude(state="deleted").values("database")
    databases = Database.objects.filter(cluster=cluster).filter(Q(object_name__in=objects) | Q(pk__in=kept))
    note_copies(reported, databases.select_related("cluster"), now=SYSTEM_CLOCK.now())
    archived = Database.objects.filter(cluster=cluster, is_live=True, backup_policy__point_in_time=True)
    for database in archived.select_related("cluster"):
        _note_window(database, driver.window(gateway, database))


def _note_window(database: Database, window: Window | None) -> None:
    begins, ends = (window.begins_at, window.ends_at) if window else (None, None)
    if (database.restorable_from, database.restorable_until) != (begins, ends):
        Database.objects.filter(pk=database.pk).update(restorable_from=begins, restorable_until=ends)


def _name(run: Run, number: int) -> str:
    return run_name(run.database, run.operation, number)
