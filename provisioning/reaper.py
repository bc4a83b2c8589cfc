"""Compare what the database says should be in a cluster with what is there: nothing leaks in silence, and nothing is deleted that is not ours.

A custom resource whose database is gone for good (deleted, or failed and undone) is a leak: a request that was delayed in the network
arrived after its operation had ended. It is deleted under its UID. One that we cannot place is only called out: another installation may
share the cluster.
"""

import logging
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import F

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.client import Gateway
from provisioning.cluster.kinds import DATABASE_KINDS, Ref, ref_of
from provisioning.cluster.ownership import OURS, is_being_deleted, owner_of
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Body
from provisioning.models import Cluster, Database
from provisioning.removal import WIPE_OUT
from provisioning.states import DatabaseState

logger = logging.getLogger(__name__)

MISSING = "Missing"
"""Shown as the phase of a database whose object is not in the cluster; it is never made again in silence."""


@dataclass(kw_only=True)
class Findings:
    """What one comparison found, by name of object."""

    leaked: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def compare_all_clusters() -> Findings:
    """Compare every registered cluster; one that does not answer is left for the next time."""
    findings = Findings()
    for cluster in Cluster.objects.all():
        try:
            compare(cluster, gateway_to(cluster), findings)
        except (Transient, Permanent) as error:
            logger.warning("cluster %s could not be compared with the ledger: %s", cluster.name, error.detail)
    return findings


def compare(cluster: Cluster, gateway: Gateway, findings: Findings) -> None:
    """Compare one cluster with its rows, delete leaks, and call out the rest; a leak that cannot be deleted keeps nobody else's from going."""
    settled = _settled_databases(cluster)
    for kind in DATABASE_KINDS:
        bodies = gateway.list(kind, labels=OURS)[0]
        owners = Database.objects.in_bulk([owner for owner in map(owner_of, bodies) if owner])
        for body in bodies:
            database = owners.get(owner_of(body))
            if database is not None and database.object_name == body["metadata"]["name"]:
                settled.discard(database.id)
            _judge(body, database, gateway, findings)
    _mark_missing(settled, findings)


def _settled_databases(cluster: Cluster) -> set[UUID]:
    """Return the databases that must be in the cluster: read before the cluster is, so that a new one is not taken for missing."""
    ready = Database.objects.filter(cluster=cluster, state=DatabaseState.READY, active_operation_id=None)
    return set(ready.values_list("id", flat=True))


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
        if body["spec"].get("deletionPolicy") != WIPE_OUT:
            gateway.merge(ref, {"metadata": {"resourceVersion": version}, "spec": {"deletionPolicy": WIPE_OUT}})
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
