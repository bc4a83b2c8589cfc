"""Find what is due and nudge the queue, and forget what is old: run by beat, by any number of dispatchers at once.

The stamp `dispatch_after` only saves messages. Safety is in the claim (webhooks.sending).
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from webhooks.models import Delivery, DeliveryState, Event

AGAIN_AFTER = timedelta(minutes=2)
"""A message that led to nothing is sent again after this long: rarely, so that the queue stays small while nobody empties it."""
MOST_AT_ONCE = 100
MOST_PER_ENDPOINT = 5
"""So few of one endpoint in one tick that a backlog of one does not fill the queue before the others."""
_LOOKED_AT = 1000
_FORGOTTEN_AT_ONCE = 500


def dispatch_due(*, now: datetime, send: Callable[[UUID], None]) -> int:
    """Send one message for every delivery that is due and that nobody has, fairly by endpoint; returns how many were sent."""
    sent = 0
    for delivery_id in _fair_share(now):
        free = Delivery.objects.filter(pk=delivery_id).filter(_not_sent(now))
        if free.update(dispatch_after=now + AGAIN_AFTER):
            send(delivery_id)
            sent += 1
    return sent


def oldest_due_age(*, now: datetime) -> timedelta:
    """Return how long the most overdue delivery has waited to be sent."""
    oldest = _due(now).order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return now - oldest if oldest else timedelta()


def forget_old(*, now: datetime) -> int:
    """Remove deliveries that ended longer ago than the settings keep them, and events that nobody waits for; returns how many rows went."""
    before = now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    ended = Delivery.objects.filter(finished_at__lt=before)
    told = Event.objects.filter(at__lt=before, deliveries=None)
    return sum(_remove(rows) for rows in (ended, told))


def _due(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(next_attempt_at__lte=now, state=DeliveryState.PENDING)


def _not_sent(now: datetime) -> Q:
    return Q(dispatch_after=None) | Q(dispatch_after__lte=now)


def _fair_share(now: datetime) -> list[UUID]:
    rows = _due(now).filter(_not_sent(now)).order_by("next_attempt_at").values_list("id", "endpoint_id")[:_LOOKED_AT]
    share: list[UUID] = []
    by_endpoint: Counter[UUID] = Counter()
    for delivery_id, endpoint_id in rows:
        by_endpoint[endpoint_id] += 1
        if by_endpoint[endpoint_id] <= MOST_PER_ENDPOINT:
            share.append(delivery_id)
    return share[:MOST_AT_ONCE]


def _remove(rows: "QuerySet[Delivery] | QuerySet[Event]") -> int:
    """Delete in small transactions, so that no other writer waits for long."""
    removed = 0
    while page := list(rows.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE]):
        rows.model._default_manager.filter(pk__in=page).delete()
        removed += len(page)
    return removed
