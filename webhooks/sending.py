"""Deliver one message: claim the row, send, save. Whatever is killed in between, the message is sent again with the same id.

No transaction is open while the other side is talked to. A claim takes one of the endpoint's few places, by a unique constraint, so that an
endpoint that answers slowly cannot occupy every worker.
"""

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError
from django.db.models import F, Q, QuerySet

from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.crash import crash_point
from dbaas.core.db import atomic
from dbaas.core.encryption import CannotDecrypt
from dbaas.core.errors import Rejected
from webhooks.counters import ATTEMPTS
from webhooks.ending import note_failure, note_success
from webhooks.endpoints import secrets_of
from webhooks.models import Attempt, Delivery, DeliveryState
from webhooks.reach import door
from webhooks.schedule import pause_after
from webhooks.signing import signed_headers
from webhooks.targets import parse
from webhooks.transport import Answer, Door, Outcome, post

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
"""Three times what one try may take."""
CLOCK_SKEW = timedelta(seconds=2)
PLACES = 2
"""Messages that are sent to one endpoint at the same moment."""
PLACES_WHILE_FAILING = 1
_AGAIN_WHEN_BUSY = timedelta(seconds=2)


class _Lost(Exception):
    """Somebody else has the delivery now, or it was ended: what was found out does not count."""


@dataclass(frozen=True, kw_only=True)
class _Claim:
    delivery: Delivery
    token: int


def deliver(delivery_id: UUID, *, clock: Clock = SYSTEM_CLOCK, through: Door | None = None) -> Outcome | None:
    """Try once, if the delivery is due and free; None where it is not."""
    claim = _claim(delivery_id, clock.now())
    if claim is None:
        return None
    crash_point("webhooks.after_claim")
    at, began = clock.now(), time.monotonic()
    answer = _send(claim.delivery, at, through or door())
    crash_point("webhooks.after_send")
    attempt = Attempt(
        delivery=claim.delivery,
        number=claim.token,
        at=at,
        duration_ms=int((time.monotonic() - began) * 1000),
        outcome=answer.outcome,
        status=answer.status,
        detail=answer.detail,
    )
    ATTEMPTS.labels(outcome=answer.outcome.value).inc()
    try:
        _save(claim, attempt, clock.now())
    except _Lost:
        logger.warning(
            "delivery %s: the lease was lost, or the webhook is gone; what came of it is not saved", delivery_id
        )
    return answer.outcome


def _claim(delivery_id: UUID, now: datetime) -> _Claim | None:
    delivery = Delivery.objects.select_related("endpoint", "event").filter(pk=delivery_id).first()
    if delivery is None or delivery.next_attempt_at is None or delivery.next_attempt_at > now:
        return None
    endpoint = delivery.endpoint
    lost = Delivery.objects.filter(endpoint=endpoint, slot__gte=0, lease_until__lt=now - CLOCK_SKEW)
    lost.update(slot=None)
    for slot in range(PLACES if endpoint.failing_since is None else PLACES_WHILE_FAILING):
        try:
            with atomic():
                is_taken = _take(delivery, slot, now)
        except IntegrityError:
            continue  # another message is being sent from this place
        return _Claim(delivery=delivery, token=delivery.lease_token + 1) if is_taken else None
    Delivery.objects.filter(pk=delivery_id).update(dispatch_after=now + _AGAIN_WHEN_BUSY)
    return None


def _take(delivery: Delivery, slot: int, now: datetime) -> bool:
    free = Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.PENDING, lease_token=delivery.lease_token, next_attempt_at__lte=now
    ).filter(Q(lease_until=None) | Q(lease_until__lt=now - CLOCK_SKEW))
    return bool(
        free.update(
            lease_token=delivery.lease_token + 1,
            lease_until=now + LEASE,
            next_attempt_at=now + LEASE + CLOCK_SKEW,
            slot=slot,
            tries=F("tries") + 1,
        )
    )


def _send(delivery: Delivery, at: datetime, through: Door) -> Answer:
    body = delivery.event.body.encode()
    try:
        target = parse(delivery.endpoint.url, through.policy)
        secrets = secrets_of(delivery.endpoint, now=at)
    except Rejected as refusal:
        return Answer(outcome=Outcome.BLOCKED, detail=refusal.detail)
    except CannotDecrypt as error:
        logger.error("delivery %s cannot be signed: %s", delivery.pk, error)  # noqa: TRY400 -- the trace tells nothing more
        return Answer(outcome=Outcome.BLOCKED, detail="The webhook's secret cannot be read: rotate it.")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "dbaas-webhooks/1",
        **signed_headers(secrets, message_id=str(delivery.event_id), at=at, body=body),
    }
    return post(target, body, headers, through=through)


def _save(claim: _Claim, attempt: Attempt, now: datetime) -> None:
    """Write the attempt and what follows from it.

    Raises: _Lost — the delivery is no longer ours.
    """
    delivery = claim.delivery
    tries = delivery.tries + 1
    with atomic():
        if attempt.outcome == Outcome.DELIVERED:
            _keep(
                claim, state=DeliveryState.DELIVERED, next_attempt_at=None, finished_at=now, last_status=attempt.status
            )
            note_success(delivery.endpoint)
        else:
            pause = pause_after(tries, chance=random.Random())  # noqa: S311 -- spreads retries, guards nothing
            ends = {"state": DeliveryState.FAILED, "finished_at": now} if pause is None else {}
            due_at = None if pause is None else now + pause
            _keep(claim, **ends, next_attempt_at=due_at, last_status=attempt.status)
            note_failure(delivery.endpoint, status=attempt.status, now=now)
        attempt.save(force_insert=True)


def _keep(claim: _Claim, **columns: object) -> None:
    if not _mine(claim).update(**columns, lease_until=None, slot=None, dispatch_after=None):
        raise _Lost


def _mine(claim: _Claim) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=claim.delivery.pk, lease_token=claim.token, state=DeliveryState.PENDING)
