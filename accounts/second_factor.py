"""A second factor for operators: codes that change every 30 seconds (TOTP, RFC 6238), and recovery codes for when the device is lost.

Once a person has one, the admin's log-in asks for it. Each code is good for one use, by a conditional update.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

import pyotp
from django.db import IntegrityError

from accounts import audit, login_limits
from accounts.actor import Actor, Origin
from accounts.models import RecoveryCode, SecondFactor, User
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.encryption import seal, unseal
from dbaas.core.errors import Conflict, FieldError, Forbidden, InvalidRequest

_ISSUER = "DBaaS"
"""What authenticators show beside the address."""
RECOVERY_CODES = 10
_RECOVERY_BYTES = 10
"""80 random bits: a quick hash is enough."""
_STEPS_OFF = (0, -1, 1)
"""A device's clock may be half a minute wrong either way. Source: RFC 6238 section 5.2."""


class SecondFactorExists(Conflict):
    """You have a second factor: remove it first."""

    code = "second_factor.exists"


class NoSecondFactor(Conflict):
    """You have no second factor that this could be about: begin with POST /api/v1/auth/second-factor."""

    code = "second_factor.none"


class NotAnOperator(Forbidden):
    """Second factors are for operators, who may use the admin."""

    code = "second_factor.operators_only"


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """What an authenticator needs; shown once."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        """Leave the secret out: a repr ends up in logs."""
        return "Enrolment(...)"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether somebody has a second factor, and how many recovery codes are left."""

    is_enrolled: bool
    recovery_codes_left: int


def begin(actor: Actor) -> Enrolment:
    """Make a secret, which counts once a code of it was entered; asking again makes another one.

    Raises: NotAnOperator, SecondFactorExists.
    """
    if not actor.is_operator:
        raise NotAnOperator
    if is_enrolled(actor.user_id):
        raise SecondFactorExists
    secret = pyotp.random_base32()
    row = SecondFactor(user_id=actor.user_id)
    seal(row, "secret", secret)
    try:
        with atomic():
            SecondFactor.objects.filter(user_id=actor.user_id, confirmed_at=None).delete()
            row.save(force_insert=True)
    except IntegrityError as error:
        raise SecondFactorExists from error
    uri = pyotp.TOTP(secret).provisioning_uri(name=actor.email, issuer_name=_ISSUER)
    return Enrolment(secret=secret, uri=uri)


def confirm(actor: Actor, *, code: str, clock: Clock = SYSTEM_CLOCK) -> list[str]:
    """Take the secret into use, and return recovery codes, which cannot be had again.

    Raises: NoSecondFactor, SecondFactorExists. InvalidRequest — the code is wrong. TooManyAttempts.
    """
    if is_enrolled(actor.user_id):
        raise SecondFactorExists
    row = _require_code(actor, code, clock=clock, is_confirmed=False)
    codes = [_readable(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    with atomic():
        if not SecondFactor.objects.filter(id=row.id).update(confirmed_at=clock.now()):
            raise NoSecondFactor  # another secret was asked for at the same moment
        RecoveryCode.objects.filter(user_id=actor.user_id).delete()
        RecoveryCode.objects.bulk_create(RecoveryCode(user_id=actor.user_id, code_hash=_hash(text)) for text in codes)
        _record(actor, "second_factor.enrolled", actor.user_id)
    return codes


def remove(actor: Actor, *, code: str, clock: Clock = SYSTEM_CLOCK) -> None:
    """Take the actor's own second factor away, for a code of it or a recovery code.

    Raises: NoSecondFactor. InvalidRequest — the code is wrong. TooManyAttempts.
    """
    _require_code(actor, code, clock=clock, is_confirmed=True)
    remove_as_operator(actor, actor.user_id)


def remove_as_operator(actor: Actor, user_id: UUID) -> None:
    """Take somebody's second factor away, without a code: their device and their recovery codes are lost."""
    with atomic():
        removed, _ = SecondFactor.objects.filter(user_id=user_id).delete()
        RecoveryCode.objects.filter(user_id=user_id).delete()
        if removed:
            _record(actor, "second_factor.removed", user_id)


def standing_of(actor: Actor) -> Standing:
    """Return how the actor stands."""
    left = RecoveryCode.objects.filter(user_id=actor.user_id).count()
    return Standing(is_enrolled=is_enrolled(actor.user_id), recovery_codes_left=left)


def is_enrolled(user_id: UUID) -> bool:
    """Tell whether this person's log-in to the admin takes a second factor."""
    return SecondFactor.objects.filter(user_id=user_id, confirmed_at__isnull=False).exists()


def is_right(user: User, code: str, *, clock: Clock = SYSTEM_CLOCK) -> bool:
    """Use a code up, of the device or for recovery, and tell whether it was good; whoever asks limits how often."""
    row = SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).first()
    return row is not None and (_uses_up(row, code, clock=clock) or _recovers(user, code))


def _require_code(actor: Actor, code: str, *, clock: Clock, is_confirmed: bool) -> SecondFactor:
    row = SecondFactor.objects.filter(user_id=actor.user_id, confirmed_at__isnull=not is_confirmed).first()
    if row is None:
        raise NoSecondFactor
    origin = Origin(address=actor.address, request_id=actor.request_id)
    login_limits.pay(email=actor.email, origin=origin, now=clock.now())
    is_good = _uses_up(row, code, clock=clock) or (is_confirmed and _recovers(row.user, code))
    if not is_good:
        problem = FieldError(field="code", message="This code is wrong, or was used before.", code="wrong")
        raise InvalidRequest(errors=[problem])
    login_limits.give_back(email=actor.email, origin=origin, now=clock.now())
    return row


def _uses_up(row: SecondFactor, code: str, *, clock: Clock) -> bool:
    """Tell whether this is the device's code of now; its step and all before it are then used up."""
    device, given = pyotp.TOTP(unseal(row, "secret")), code.replace(" ", "").encode()
    now = device.timecode(clock.now())
    for step in (now + off for off in _STEPS_OFF):
        if step > row.last_step and hmac.compare_digest(device.generate_otp(step).encode(), given):
            unused = SecondFactor.objects.filter(id=row.id, last_step=row.last_step)
            return bool(unused.update(last_step=step))
    return False


def _recovers(user: User, code: str) -> bool:
    used_up, _ = RecoveryCode.objects.filter(user=user, code_hash=_hash(code)).delete()
    return bool(used_up)


def _readable(raw: bytes) -> str:
    digits = raw.hex()
    return "-".join(digits[place : place + 5] for place in range(0, len(digits), 5))


def _hash(code: str) -> str:
    return hashlib.sha256(code.strip().lower().replace("-", "").replace(" ", "").encode()).hexdigest()


def _record(actor: Actor, action: str, user_id: UUID) -> None:
    audit.record(actor, action=action, object_type="user", object_id=user_id)
