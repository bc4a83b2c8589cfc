"""Who may drive an operation now: claim, save, nap, wake: each one conditional UPDATE on the row.

A claim bumps `lease_token`, and everything that is saved names the token: a worker that was frozen past its lease changes nothing
(fencing). A claim also sets `next_run_at` to after the lease, so that a worker that dies needs no clean-up: the row becomes due again by
itself. A wake-up bumps `wake_seq`; a nap that finds it bumped does not sleep, so that no wake-up is ever lost.
"""

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.announcements import announce_lines
from provisioning.counters import CLAIM_DELAY, CLAIMS, WORKERS_LOST
from provisioning.models import Operation, OperationEvent
from provisioning.states import FINISHED, MOVING

LEASE = timedelta(seconds=settings.LEASE_SECONDS)
"""Longer than a worker's hard time limit (three quarters of it), so that its process is dead before anybody else may take over."""

CLOCK_SKEW = timedelta(seconds=2)
"""By how much the clocks of two workers may differ; with NTP they differ by milliseconds."""

LAST_EFFECT_AFTER = LEASE - 2 * (timedelta(seconds=10) + CLOCK_SKEW)
"""No outside effect begins later than this after the claim: two calls of 10 s and the skew still fit before the lease ends."""

WORK_FOR = LAST_EFFECT_AFTER / 2
"""A claim takes no further step after this long, well before the soft time limit (half the lease)."""


class LeaseLost(Exception):
    """Another worker holds this operation now: drop everything, touch nothing."""


@dataclass(kw_only=True)
class Claim:
    """The right to drive one operation, until the lease ends or `save` gives it back."""

    operation: Operation
    token: int
    wake_seq: int
    claimed_at_monotonic: float

    def age(self) -> timedelta:
        """Return how long ago the claim was made, by the clock that never jumps."""
        return timedelta(seconds=SYSTEM_CLOCK.monotonic() - self.claimed_at_monotonic)

    def may_take_effect(self) -> bool:
        """Tell whether an outside effect may still begin."""
        return self.age() < LAST_EFFECT_AFTER


def owner_name() -> str:
    """Return the name that this process leaves on the rows it claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def claim(operation_id: UUID, *, now: datetime) -> Claim | None:
    """Take the operation if it is due and free, else return None: somebody else has it, or it is not its time."""
    seen = (
        Operation.objects.filter(pk=operation_id, state__in=MOVING, next_run_at__lte=now)
        .values_list("state", "lease_token", "lease_until", "started_at", "next_run_at", named=True)
        .first()
    )
    if seen is None:
        return None
    was_lost = seen.lease_until is not None
    started = SYSTEM_CLOCK.monotonic()
    taken = (
        Operation.objects.filter(pk=operation_id, lease_token=seen.lease_token, state=seen.state, next_run_at__lte=now)
        .filter(Q(lease_until=None) | Q(lease_until__lt=now - CLOCK_SKEW))
        .update(
            lease_token=seen.lease_token + 1,
            lease_owner=owner_name(),
            lease_until=now + LEASE,
            next_run_at=now + LEASE + CLOCK_SKEW,
            attempt=F("attempt") + 1,
            lost_workers=F("lost_workers") + (1 if was_lost else 0),
            started_at=seen.started_at or now,
        )
    )
    if not taken:
        return None
    operation = Operation.objects.select_related("database", "database__cluster", "database__tenant").get(
        pk=operation_id
    )
    if operation.lease_token != seen.lease_token + 1:
        return None
    CLAIMS.inc()
    CLAIM_DELAY.labels(kind=operation.kind).observe((now - (seen.next_run_at or now)).total_seconds())
    WORKERS_LOST.inc(was_lost)
    return Claim(
        operation=operation, token=operation.lease_token, wake_seq=operation.wake_seq, claimed_at_monotonic=started
    )


def keep(claim: Claim, *, columns: Mapping[str, Any]) -> None:
    """Save and hold on to the lease for the next step; must be called inside `atomic()` together with what belongs to it.

    Raises: LeaseLost — the token is no longer ours; the transaction must roll back. So do `nap` and `end`.
    """
    if not _mine(claim).update(**columns):
        raise LeaseLost


def hold(claim: Claim) -> None:
    """Let nobody take the operation until the open transaction ends: what is written in it beside the row is fenced too.

    Raises: LeaseLost.
    """
    keep(claim, columns={"lease_owner": owner_name()})


def nap(claim: Claim, *, until: datetime, now: datetime, columns: Mapping[str, Any]) -> bool:
    """Save, give the lease back and go to sleep; False where a wake-up came in meanwhile, so that the operation is due at once."""
    free: dict[str, Any] = {"lease_until": None, "lease_owner": "", "dispatch_after": None}
    if _mine(claim).filter(wake_seq=claim.wake_seq).update(**columns, **free, next_run_at=until):
        return True
    if not _mine(claim).update(**columns, **free, next_run_at=now):
        raise LeaseLost
    return False


def end(claim: Claim, *, columns: Mapping[str, Any]) -> None:
    """Save for the last time (finished, or stuck until a person decides) and give the lease back."""
    free: dict[str, Any] = {"lease_until": None, "lease_owner": "", "dispatch_after": None, "next_run_at": None}
    if not _mine(claim).update(**columns, **free):
        raise LeaseLost


def _mine(claim: Claim) -> QuerySet[Operation]:
    return Operation.objects.filter(pk=claim.operation.pk, lease_token=claim.token).exclude(state__in=FINISHED)


def renewed(claim: Claim) -> Claim:
    """Return the claim after a save that kept it, with the row as it is now.

    Raises: LeaseLost — somebody took it.
    """
    operation = Operation.objects.select_related("database", "database__cluster", "database__tenant").get(
        pk=claim.operation.pk
    )
    if operation.lease_token != claim.token:
        raise LeaseLost
    return Claim(
        operation=operation,
        token=claim.token,
        wake_seq=operation.wake_seq,
        claimed_at_monotonic=claim.claimed_at_monotonic,
    )


def make_due(operation_ids: Collection[UUID], *, now: datetime) -> int:
    """Make waiting operations due now, whoever holds them; returns how many there were.

    One that is due already is left alone: it will look anyway, and a busy system must not send the same message for every event.
    """
    return Operation.objects.filter(pk__in=operation_ids, state__in=MOVING, next_run_at__gt=now).update(
        next_run_at=now, wake_seq=F("wake_seq") + 1, dispatch_after=None
    )


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line for the timeline."""

    event: str
    step: str
    message: str
    attempt: int = 0
    duration_ms: int | None = None


def write_timeline(operation_id: UUID, lines: Sequence[Line], *, at: datetime) -> None:
    """Add lines to the timeline, numbered by the row, and tell webhooks of them; must be called inside `atomic()`, after the row's change."""
    if lines:
        Operation.objects.filter(pk=operation_id).update(**counting(lines))
        add_counted(operation_id, lines, at=at)


def counting(lines: Sequence[Line]) -> dict[str, Any]:
    """Return the column by which an UPDATE of the row counts these lines.

    The UPDATE comes before the lines: it holds the row until the transaction ends, so that two writers cannot take the same number.
    """
    return {"event_seq": F("event_seq") + len(lines)} if lines else {}


def add_counted(operation_id: UUID, lines: Sequence[Line], *, at: datetime, lease_token: int = 0) -> None:
    """Add lines that the row has counted in this transaction; `write_timeline` does both."""
    if not lines:
        return
    last, tenant_id = Operation.objects.values_list("event_seq", "tenant_id").get(pk=operation_id)
    written = OperationEvent.objects.bulk_create(
        OperationEvent(
            operation_id=operation_id,
            seq=last - len(lines) + number,
            at=at,
            event=line.event,
            step=line.step,
            message=line.message[:2000],
            attempt=line.attempt,
            duration_ms=line.duration_ms,
            lease_token=lease_token,
        )
        for number, line in enumerate(lines, start=1)
    )
    announce_lines(tenant_id, written)
