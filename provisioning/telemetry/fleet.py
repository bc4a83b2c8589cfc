"""What customers have: databases by state and by what the cluster says of them, and how full the fullest quotas are."""

import heapq
from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Count

from dbaas.health.readings import Reading, Samples
from provisioning.models import Database
from tenants.models import Quota
from tenants.quota import RESOURCES

TENANTS_SHOWN = 50
"""Tenants without end would be series without end; those that are next to hit a limit are the ones to look at."""

_PHASES = frozenset({"Provisioning", "DataRestoring", "Ready", "NotReady", "Critical", "Halted", "Unknown"})
"""KubeDB's words; another one counts as `other`, so that no cluster can make series at will."""


def _databases(_now: datetime) -> Samples:
    counted = Database.objects.filter(is_live=True).values_list("engine", "state").annotate(number=Count("id"))
    return [((engine, state), float(number)) for engine, state, number in counted.order_by()]


def _phases(_now: datetime) -> Samples:
    counted = Database.objects.filter(is_live=True).values_list("engine", "phase").annotate(number=Count("id"))
    found: Counter[tuple[str, ...]] = Counter()
    for engine, phase, number in counted.order_by():
        found[engine, _known(phase)] += number
    return [(labels, float(number)) for labels, number in found.items()]


def _known(phase: str) -> str:
    if not phase:
        return "none"
    return phase if phase in _PHASES else "other"


def _fullest() -> list[dict[str, Any]]:
    """Return the quotas that are nearest to a limit; found here, because not every database can divide columns."""
    columns = [f"{part}_{name}" for part in ("used", "max") for name in RESOURCES]
    in_use = Quota.objects.filter(used_databases__gt=0).order_by("tenant_id").values("tenant__name", *columns)
    return heapq.nlargest(TENANTS_SHOWN, in_use.iterator(), key=_fullness)


def _fullness(quota: dict[str, Any]) -> float:
    shares = [quota[f"used_{name}"] / quota[f"max_{name}"] for name in RESOURCES if quota[f"max_{name}"]]
    return max(shares, default=0.0)


def _used(_now: datetime) -> Samples:
    return _per_resource("used")


def _limits(_now: datetime) -> Samples:
    return _per_resource("max")


def _per_resource(part: str) -> Samples:
    return [
        ((quota["tenant__name"], name), float(quota[f"{part}_{name}"])) for quota in _fullest() for name in RESOURCES
    ]


FLEET = (
    Reading(
        name="dbaas_databases",
        text="Databases that have not been deleted, by the product's own state.",
        labels=("engine", "state"),
        read=_databases,
    ),
    Reading(
        name="dbaas_databases_by_phase",
        text="The same databases by what the cluster last said of them.",
        labels=("engine", "phase"),
        read=_phases,
    ),
    Reading(
        name="dbaas_quota_used",
        text=f"What a tenant uses; the {TENANTS_SHOWN} tenants that are nearest to a limit.",
        labels=("tenant", "resource"),
        read=_used,
    ),
    Reading(
        name="dbaas_quota_limit",
        text="What the same tenants may use.",
        labels=("tenant", "resource"),
        read=_limits,
    ),
)
