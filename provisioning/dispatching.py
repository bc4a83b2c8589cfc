"""Find what is due and nudge the queue: run every second, by any number of dispatchers at once.

The stamp `dispatch_after` only saves messages: without it a slow queue would be fed the same id every second. Safety is in the claim.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from provisioning.heartbeats import DISPATCHER, DISPATCHER_STALE_AFTER, age_of
from provisioning.lease import CLOCK_SKEW
from provisioning.models import Heartbeat, Operation
from provisioning.states import MOVING

AGAIN_AFTER = timedelta(seconds=30)
"""A message that was taken and led to nothing is sent again after this long."""

AGAIN_AFTER_REFUSAL = timedelta(seconds=5)
"""The broker took nothing: try again soon."""


def dispatch_due(*, now: datetime, send: Callable[[UUID], bool]) -> int:
    """Send one message for every operation that is due and that nobody drives, fairly by tenant; returns how many were sent."""
    sent = 0
    for operation_id in _fair_share(now):
        if not _stamp(operation_id, now, AGAIN_AFTER):
            continue
        if send(operation_id):
            sent += 1
        else:
            Operation.objects.filter(pk=operation_id).update(dispatch_after=now + AGAIN_AFTER_REFUSAL)
    _beat(now)
    return sent


def oldest_due_age(*, now: datetime) -> timedelta:
    """Return how long the most overdue operation has waited for a worker: the one number that shows that nothing runs."""
    oldest = _due(now).order_by("next_run_at").values_list("next_run_at", flat=True).first()
    return now - oldest if oldest else timedelta()


def _due(now: datetime) -> QuerySet[Operation]:
    return Operation.objects.filter(next_run_at__lte=now, state__in=[str(state) for state in MOVING]).filter(
        Q(lease_until=None) | Q(lease_until__lt=now - CLOCK_SKEW)
    )


def _fair_share(now: datetime) -> list[UUID]:
    waiting = _due(now).filter(Q(dispatch_after=None) | Q(dispatch_after__lte=now)).order_by("next_run_at")
    rows = waiting.values_list("id", "tenant_id")[: settings.MAX_OPERATIONS_IN_DISPATCH * 5]
    share: list[UUID] = []
    by_tenant: Counter[UUID] = Counter()
    for operation_id, tenant_id in rows:
        by_tenant[tenant_id] += 1
        if by_tenant[tenant_id] <= settings.MAX_OPERATIONS_PER_TENANT_IN_DISPATCH:
            share.append(operation_id)
    return share[: settings.MAX_OPERATIONS_IN_DISPATCH]


def _stamp(operation_id: UUID, now: datetime, pause: timedelta) -> bool:
    free = Operation.objects.filter(pk=operation_id).filter(Q(dispatch_after=None) | Q(dispatch_after__lte=now))
    return bool(free.update(dispatch_after=now + pause))


def _beat(now: datetime) -> None:
    age = age_of(DISPATCHER, now=now)
    if age is None or age >= DISPATCHER_STALE_AFTER / 6:
        Heartbeat.beat(DISPATCHER, now=now)
