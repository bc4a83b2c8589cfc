"""Compare what the database says should be in a cluster with what is there: nothing leaks in silence, and nothing is deleted that is not ours.

A custom resource whose database is gone for good (deleted, or failed and undone) is a leak, and so is any object of ours that the ledger
knows as gone: a request that was delayed in the network arrived after its operation had ended. A leak is deleted under its UID. What we
cannot place is only called out: another installation may share the cluster. What is found is kept (`Finding`) until it is found no more.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import ObjectMissing
from provisioning.cluster.kinds import (
    BACKUP_CONFIGURATION,
    BACKUP_SESSION,
    DATABASE_KINDS,
    OPS_KINDS,
    RESTORE_SESSION,
    Kind,
    Ref,
    ref_of,
)
from provisioning.cluster.ownership import OURS, is_being_deleted, owner_of
from provisioning.cluster.registry import gateway_to
from provisioning.drift import follow_object
from provisioning.engine import Body
from provisioning.models import Cluster, Database, Finding, Resource
from provisioning.removal import WIPE_OUT, change_before_removal
from provisioning.states import DatabaseState

logger = logging.getLogger(__name__)

MISSING = "Missing"
"""Shown as the phase of a database whose object is not in the cluster; it is never made again in silence."""

_REQUESTS = (*OPS_KINDS, RESTORE_SESSION, BACKUP_SESSION, BACKUP_CONFIGURATION)
"""What operations ask for beside databases."""


@dataclass(kw_only=True)
class Findings:
    """What one comparison found, by address of the object or id of the database."""

    leaked: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    drifted: dict[str, str] = field(default_factory=dict)
    """By id of the database, what differed."""

    def add(self, other: "Findings") -> None:
        """Take what another comparison found in as well."""
        self.leaked += other.leaked
        self.foreign += other.foreign
        self.missing += other.missing
        self.drifted |= other.drifted


def compare_all_clusters() -> Findings:
    """Compare every registered cluster and keep what was found; one that does not answer is left for the next time."""
    found = Findings()
    for cluster in Cluster.objects.all():
        findings = Findings()
        try:
            compare(cluster, gateway_to(cluster), findings)
        except (Transient, Permanent) as error:
            logger.warning("cluster %s could not be compared with the ledger: %s", cluster.name, error.detail)
        else:
            _keep(cluster, findings)
            found.add(findings)
    return found


def compare(cluster: Cluster, gateway: Gateway, findings: Findings) -> None:
    """Compare one cluster with its rows, delete leaks, and call out the rest; a leak that cannot be deleted keeps nobody else's from going."""
    settled = _settled_databases(cluster)
    for kind in DATABASE_KINDS:
        bodies = gateway.list(kind, labels=OURS)[0]
        owners = Database.objects.in_bulk([owner for owner in map(owner_of, bodies) if owner])
        for body in bodies:
            database = owners.get(owner_of(body))
            if database is not None and database.object_name == body["metadata"]["name"]:
                is_unchanged = settled.pop(database.id, None) == database.row_version
                _note_drift(database, body if is_unchanged else None, findings)
            _judge(body, database, gateway, findings)
    _mark_missing(set(settled), findings)
    for kind in _REQUESTS:
        _remove_late(cluster, kind, gateway, findings)


def _settled_databases(cluster: Cluster) -> dict[UUID, int]:
    """Return the databases that must be in the cluster, with the versions of their rows.

    Read before the cluster is, so that a new one is not taken for missing, nor what an operation changes meanwhile for drift.
    """
    ready = Database.objects.filter(cluster=cluster, state=DatabaseState.READY, active_operation_id=None)
    return dict(ready.values_list("id", "row_version"))


def _note_drift(database: Database, body: Body | None, findings: Findings) -> None:
    differed = follow_object(database, body) if body is not None else ""
    if differed:
        findings.drifted[str(database.id)] = differed


def _judge(body: Body, database: Database | None, gateway: Gateway, findings: Findings) -> None:
    ref = ref_of(body)
    if database is None:
        findings.foreign.append(str(ref))
        logger.error("%s carries our label but no database of ours fits: look at it by hand", ref)
    elif _is_leak(database) and not is_being_deleted(body):
        findings.leaked.append(str(ref))
        logger.error("%s outlived its database %s (%s): deleting it", ref, database.id, database.state)
        _delete(body, ref, gateway)


def _is_leak(database: Database) -> bool:
    ended = database.state in (DatabaseState.DELETED, DatabaseState.FAILED)
    return ended and database.active_operation_id is None


def _delete(body: Body, ref: Ref, gateway: Gateway) -> None:
    version = body["metadata"]["resourceVersion"]
    try:
        if ref.kind in DATABASE_KINDS and (change := change_before_removal(body, WIPE_OUT)):
            gateway.merge(ref, {"metadata": {"resourceVersion": version}, "spec": change})
        gateway.delete(ref, uid=body["metadata"]["uid"])
    except (Transient, Permanent) as error:
        logger.warning("%s is left for the next comparison: %s", ref, error.detail)


def _mark_missing(databases: set[UUID], findings: Findings) -> None:
    gone = Database.objects.filter(pk__in=databases, state=DatabaseState.READY, active_operation_id=None)
    for database in gone:
        findings.missing.append(str(database.id))
        logger.error("database %s is ready by its row, but its object is not in the cluster", database.id)
    newly = gone.exclude(phase=MISSING)
    newly.update(phase=MISSING, updated_at=SYSTEM_CLOCK.now(), row_version=F("row_version") + 1)


def _remove_late(cluster: Cluster, kind: Kind, gateway: Gateway, findings: Findings) -> None:
    """Delete what the ledger knows as gone: read after the cluster is, so that what an operation makes again is not taken for late."""
    try:
        bodies = [body for body in gateway.list(kind, labels=OURS)[0] if not is_being_deleted(body)]
    except ObjectMissing:
        return  # a cluster without the backup tool has none of its kinds
    gone = _gone_by_ledger(cluster, kind, (body["metadata"]["name"] for body in bodies))
    for body in bodies:
        ref = ref_of(body)
        if (ref.namespace, ref.name) in gone:
            findings.leaked.append(str(ref))
            logger.error("%s came after its operation had ended: deleting it", ref)
            _delete(body, ref, gateway)


def _gone_by_ledger(cluster: Cluster, kind: Kind, names: Iterable[str]) -> set[tuple[str, str]]:
    lines = Resource.objects.filter(cluster=cluster, kind=kind.kind, is_gone=True, name__in=list(names))
    return set(lines.values_list("namespace", "name"))


def _keep(cluster: Cluster, findings: Findings) -> None:
    """Write down what was found, and close what was not found again."""
    now = SYSTEM_CLOCK.now()
    found = [("leaked", about, "") for about in findings.leaked]
    found += [("foreign", about, "") for about in findings.foreign]
    found += [("missing", about, "") for about in findings.missing]
    found += [("drifted", about, detail) for about, detail in findings.drifted.items()]
    for what, about, detail in found:
        seen = {"last_seen_at": now, "closed_at": None, "detail": detail}
        Finding.objects.update_or_create(
            cluster=cluster,
            what=what,
            about=about[:400],
            defaults=seen,
            create_defaults={**seen, "first_seen_at": now},
        )
    ours = Finding.objects.filter(cluster=cluster, what__in=("leaked", "foreign", "missing", "drifted"))
    ours.filter(closed_at=None, last_seen_at__lt=now).update(closed_at=now)
