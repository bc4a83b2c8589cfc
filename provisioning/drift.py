"""Bring the row of a database that nobody works on in line with its custom resource: somebody changed it by hand, or a request came late.

The cluster is what customers use, so the row follows it; undoing somebody's change in silence could take a database down. Quota stays as
it was reserved: what was not granted is for a person to talk about, and the event and the finding say so.
"""

import logging
from typing import Any

from django.db.models import F

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from provisioning.announcements import announce_noticed
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Database, DatabaseEvent
from provisioning.observations import observed_phase
from provisioning.sizes import plan_of
from provisioning.states import DatabaseState

logger = logging.getLogger(__name__)


def follow_object(database: Database, body: Body) -> str:
    """Write what the object has into the row, and return what differed in words; empty where all agrees, or the object is changing."""
    if observed_phase(body) != "Ready":
        return ""
    differing = _differing(database, body)
    if not differing:
        return ""
    told = ", ".join(f"{name} is {value}, not {getattr(database, name)}" for name, value in differing.items())[:900]
    resting = Database.objects.filter(
        pk=database.pk, row_version=database.row_version, state=DatabaseState.READY, active_operation_id=None
    )
    now = SYSTEM_CLOCK.now()
    with atomic():
        if not resting.update(**differing, updated_at=now, row_version=F("row_version") + 1):
            return ""
        event = DatabaseEvent.objects.create(
            database=database,
            key=f"drift:{body['metadata']['resourceVersion']}:{now.timestamp():.0f}",
            at=now,
            is_warning=True,
            reason="Drifted",
            message=f"It was changed in the cluster, not by an operation: {told}.",
        )
        announce_noticed(database, event)
    logger.error("database %s differs from its object, and follows it: %s", database.id, told)
    return told


def _differing(database: Database, body: Body) -> dict[str, Any]:
    held = all_engines()[database.engine].changes.read(body["spec"], database.topology)
    size = held.resources
    there = {
        "version": held.version,
        "topology": dict(held.topology),
        "plan": plan_of(size),
        "cpu_millicores": size.cpu_millicores,
        "memory_mib": size.memory_mib,
        "storage_gib": size.storage_gib,
    }
    return {name: value for name, value in there.items() if getattr(database, name) != value}
