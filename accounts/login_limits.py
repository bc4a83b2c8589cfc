"""How often somebody may guess a password, counted in the audit trail itself: every process sees the same count, and nothing else must be kept.

Three limits, so that neither one address can try many people, nor many addresses one person, nor a stranger lock somebody else out quickly.
"""

from datetime import datetime, timedelta

from accounts.actor import Origin
from accounts.audit import LOGIN_REFUSED
from accounts.models import AuditEvent
from dbaas.api.errors import TooManyRequests

WINDOW = timedelta(minutes=15)
PER_PERSON_AND_ADDRESS = 10
PER_ADDRESS = 50
PER_PERSON = 100
"""Guesses in a window. Ten are a forgotten password; a hundred a day-long attack of fewer than 10,000 guesses."""


class TooManyAttempts(TooManyRequests):
    """Too many failed log-ins lately: wait as long as Retry-After says."""

    code = "auth.too_many_attempts"


def require_below(*, email: str, origin: Origin, now: datetime) -> None:
    """Let the next guess through.

    Raises: TooManyAttempts.
    """
    refused = AuditEvent.objects.filter(action=LOGIN_REFUSED, at__gt=now - WINDOW)
    of_person = refused.filter(actor_email=email)
    of_address = refused.filter(address=origin.address)
    both = of_person.filter(address=origin.address)
    limits = ((both, PER_PERSON_AND_ADDRESS), (of_address, PER_ADDRESS), (of_person, PER_PERSON))
    if any(events.count() >= limit for events, limit in limits):
        raise TooManyAttempts(retry_after=WINDOW)
