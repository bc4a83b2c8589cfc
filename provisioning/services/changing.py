"""Change what needs no work in the cluster: it holds at once."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import F

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.db import atomic
from dbaas.core.errors import FieldError, Stale
from provisioning.models import Database
from provisioning.orders import InvalidOrder, expiry_problems, label_problems
from provisioning.selectors import database_of
from provisioning.services.refusals import StateForbids
from tenants.access import require

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_LONGEST_WINDOW_HOURS = 24


def change_database(
    actor: Actor, database_id: UUID, change: Mapping[str, Any], *, expected_version: int | None
) -> Database:
    """Change columns of the row; None as `expected_version` takes whatever version there is.

    Raises: InvalidOrder — a value is not valid. StateForbids — the database is deleted. Stale — somebody else changed it meanwhile.
    """
    database = database_of(actor, database_id)
    require(actor, database.tenant_id, Permission.DATABASES_WRITE)
    if problems := _problems(change):
        raise InvalidOrder("The database cannot be changed so: see the errors by field.", errors=problems)
    if not database.is_live:
        raise StateForbids("The database is deleted: nothing about it can change.")
    columns = dict(change)
    if "expires_at" in columns:
        columns["expiry_told_at"] = None
    rows = Database.objects.filter(pk=database.pk, is_live=True)
    if expected_version is not None:
        rows = rows.filter(row_version=expected_version)
    with atomic():
        if columns and not rows.update(**columns, updated_at=SYSTEM_CLOCK.now(), row_version=F("row_version") + 1):
            raise Stale
        audit.record(
            actor,
            action="database.changed",
            object_type="database",
            object_id=database.id,
            tenant_id=database.tenant_id,
            detail={"fields": sorted(change)},
        )
    database.refresh_from_db()
    return database


def _problems(change: Mapping[str, Any]) -> list[FieldError]:
    problems = label_problems(change.get("labels", {}))
    problems += expiry_problems(change.get("expires_at"), SYSTEM_CLOCK.now())
    if window := change.get("maintenance_window"):
        problems += _window_problems(window)
    return problems


def _window_problems(window: Mapping[str, Any]) -> list[FieldError]:
    wrong = {
        "weekday": window.get("weekday") not in _WEEKDAYS,
        "starts_at": not _TIME.fullmatch(str(window.get("starts_at", ""))),
        "hours": not 1 <= int(window.get("hours", 0)) <= _LONGEST_WINDOW_HOURS,
    }
    means = {
        "weekday": f"must be one of: {', '.join(_WEEKDAYS)}.",
        "starts_at": "must be a time in UTC such as 03:30.",
        "hours": f"must be between 1 and {_LONGEST_WINDOW_HOURS}.",
    }
    return [
        FieldError(field=f"maintenance_window.{name}", message=means[name], code="invalid_window")
        for name, is_wrong in wrong.items()
        if is_wrong
    ]
