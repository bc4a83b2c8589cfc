"""How often somebody may guess a password. Each guess is paid for before the password is looked at, so that many at once do not slip through.

Three counts, so that neither one network can try many people, nor many networks one person, nor a stranger lock somebody else out: the wait
grows with every failure, to minutes for a person from one network, but never beyond a minute for everybody else.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError
from django.db.models import F

from accounts.actor import Origin
from accounts.models import LoginFailures
from dbaas.api.errors import TooManyRequests
from dbaas.api.rate_limits.callers import network_of
from dbaas.core.db import atomic

_IPV4_BITS = 24
"""Of the network that an address counts for: one provider's customer, or one office."""
FORGOTTEN_AFTER = timedelta(hours=1)
_TRIES = 10
"""To count a guess among others that are made at the same moment."""


class TooManyAttempts(TooManyRequests):
    """Too many failed log-ins lately: wait as long as Retry-After says."""

    code = "auth.too_many_attempts"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """From which failure on there is a wait: a second, and twice as long each time, up to the longest."""

    free: int
    longest: timedelta

    def wait_after(self, failures: int) -> timedelta:
        """Return how long the next guess must wait."""
        if failures < self.free:
            return timedelta()
        return min(self.longest, timedelta(seconds=2 ** min(failures - self.free, 20)))


PERSON_FROM_NETWORK = Limit(free=5, longest=timedelta(minutes=15))
PERSON = Limit(free=20, longest=timedelta(seconds=30))
"""From anywhere: a stranger's guesses may make a person wait for half a minute, and give the stranger some 3,000 a day."""
NETWORK = Limit(free=50, longest=timedelta(minutes=1))
"""For anybody: an office behind one address forgets some passwords each morning."""


def pay(*, email: str, origin: Origin, now: datetime) -> None:
    """Count the guess that is about to be made as a failure; `give_back` is for when it was right.

    Raises: TooManyAttempts — and nothing is counted.
    """
    paid: list[str] = []
    try:
        for subject, limit in _counts(email, origin):
            _count(subject, limit, now)
            paid.append(subject)
    except TooManyAttempts:
        _return(paid, now)
        raise


def give_back(*, email: str, origin: Origin, now: datetime) -> None:
    """Forget what this person got wrong from this network, and take back the one guess from the other counts."""
    (own, _), *others = _counts(email, origin)
    LoginFailures.objects.filter(subject=own).delete()
    _return([subject for subject, _ in others], now)


def forget_old(*, now: datetime) -> int:
    """Remove counts that no longer matter, and return how many."""
    deleted, _ = LoginFailures.objects.filter(last_at__lt=now - FORGOTTEN_AFTER).delete()
    return deleted


def _counts(email: str, origin: Origin) -> Iterator[tuple[str, Limit]]:
    network = network_of(origin.address, ipv4_bits=_IPV4_BITS)
    yield _digest("person from network", email, network), PERSON_FROM_NETWORK
    yield _digest("person", email), PERSON
    yield _digest("network", network), NETWORK


def _count(subject: str, limit: Limit, now: datetime) -> None:
    known = LoginFailures.objects.filter(subject=subject, blocked_until__lte=now, last_at__gt=now - FORGOTTEN_AFTER)
    if known.filter(failures__lt=limit.free - 1).update(
        failures=F("failures") + 1, changes=F("changes") + 1, last_at=now
    ):
        return  # no wait can follow yet, so that many right passwords at once do not get into each other's way
    for _ in range(_TRIES):
        row = LoginFailures.objects.filter(subject=subject).first()
        if row is not None and row.blocked_until > now:
            raise TooManyAttempts(retry_after=row.blocked_until - now)
        before = 0 if row is None or now - row.last_at > FORGOTTEN_AFTER else row.failures
        after = {"failures": before + 1, "last_at": now, "blocked_until": now + limit.wait_after(before + 1)}
        if row is None and _inserted(subject, after):
            return
        if row is not None and LoginFailures.objects.filter(subject=subject, changes=row.changes).update(
            **after, changes=F("changes") + 1
        ):
            return
    raise TooManyAttempts(retry_after=timedelta(seconds=1))


def _inserted(subject: str, columns: dict[str, object]) -> bool:
    try:
        with atomic():
            LoginFailures.objects.create(subject=subject, **columns)
    except IntegrityError:
        return False  # somebody else's guess was the first
    return True


def _return(subjects: list[str], now: datetime) -> None:
    paid = LoginFailures.objects.filter(subject__in=subjects, failures__gt=0)
    paid.update(failures=F("failures") - 1, changes=F("changes") + 1, blocked_until=now)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
