"""Change a password, or choose a new one by a letter to one's address. Either ends every session that the old one began.

A letter is written and sent by a worker, a moment after it was asked for: so the answer takes as long for an address without an account, and a mail
server that is away fails nothing. Its token exists in the letter alone; the table holds a SHA-256, and is good for one conditional update.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import make_password

from accounts import audit, login_limits, sessions
from accounts.actor import Actor, Credential, Origin, Via, actor_of
from accounts.models import PasswordReset, User, normalized_email
from accounts.sessions import TokenPair
from accounts.strength import require_strong
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import FieldError, InvalidRequest, NotFound
from dbaas.core.mail import send_mail

VALID_FOR = timedelta(hours=1)
_ASKED_AGAIN_AFTER = timedelta(minutes=1)
_LETTERS_AT_ONCE = 20
_KEPT_FOR = timedelta(days=1)
_OF_SESSION = Credential(via=Via.SESSION)


class ResetInvalid(NotFound):
    """The token was used or replaced, or its time is up: ask for another letter with POST /api/v1/auth/password-reset."""

    code = "auth.reset_invalid"


def change(actor: Actor, *, current_password: str, new_password: str, clock: Clock = SYSTEM_CLOCK) -> TokenPair:
    """Give the actor a new password, end every session, and begin a new one for whoever asked.

    Raises: InvalidRequest — the present password is wrong, or the new one too weak. TooManyAttempts.
    """
    user, origin = User.objects.get(id=actor.user_id), Origin(address=actor.address, request_id=actor.request_id)
    require_strong(new_password, user, field="new_password")
    login_limits.pay(email=user.email, origin=origin, now=clock.now())
    if not user.check_password(current_password):
        _record(actor, "account.password_changed", outcome=audit.REFUSED)
        raise _wrong()
    login_limits.give_back(email=user.email, origin=origin, now=clock.now())
    with atomic():
        _store(user, new_password, clock=clock)
        _record(actor, "account.password_changed")
    return sessions.begin(User.objects.get(id=user.id), origin=origin)


def ask_for_letter(*, email: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> None:
    """Have a letter sent to this address, if it has an account; nothing shows whether it has. Asking again within a minute changes nothing."""
    address, now = normalized_email(email), clock.now()
    user = User.objects.filter(email=address, is_active=True).first()
    with atomic():
        audit.record_of_stranger(
            action="account.reset_requested", user_id=user.id if user else None, email=address, origin=origin
        )
        if user is None or PasswordReset.objects.filter(user=user, asked_at__gt=now - _ASKED_AGAIN_AFTER).exists():
            return
        PasswordReset.objects.filter(user=user).delete()
        PasswordReset.objects.create(
            user=user, token_hash=_hash(secrets.token_hex()), asked_at=now, expires_at=now + VALID_FOR
        )


def send_letters(*, clock: Clock = SYSTEM_CLOCK) -> int:
    """Send the letters that were asked for, and return how many were; stop where the mail server takes none, and try again next time."""
    sent = 0
    waiting = PasswordReset.objects.filter(sent_at=None, expires_at__gt=clock.now()).select_related("user")
    for reset in waiting.order_by("id")[:_LETTERS_AT_ONCE]:
        token = secrets.token_urlsafe(32)
        mine = PasswordReset.objects.filter(id=reset.id, token_hash=reset.token_hash, sent_at=None)
        if not mine.update(token_hash=_hash(token), sent_at=clock.now()):
            continue  # another worker sends it
        if not send_mail(to=reset.user.email, subject="Choose a new password", body=_letter(reset, token)):
            PasswordReset.objects.filter(id=reset.id).update(sent_at=None)
            break
        sent += 1
    return sent


def reset(*, token: str, new_password: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> None:
    """Give the person whom the letter went to a new password, and end every session; the letter is then used up.

    Raises: ResetInvalid. InvalidRequest — the password is too weak; the letter stays good.
    """
    now = clock.now()
    found = PasswordReset.objects.select_related("user").filter(token_hash=_hash(token), expires_at__gt=now).first()
    if found is None or not found.user.is_active:
        raise ResetInvalid
    require_strong(new_password, found.user, field="new_password")
    with atomic():
        used_up, _ = PasswordReset.objects.filter(id=found.id, token_hash=found.token_hash).delete()
        if not used_up:
            raise ResetInvalid
        User.objects.filter(id=found.user_id).update(password=make_password(new_password))
        sessions.end_all_silently(found.user_id, clock=clock)
        _record(actor_of(found.user, origin, _OF_SESSION), "account.password_reset")


def forget_expired(*, now: datetime) -> int:
    """Remove requests for letters whose time is up, and return how many."""
    deleted, _ = PasswordReset.objects.filter(expires_at__lt=now - _KEPT_FOR).delete()
    return deleted


def _store(user: User, password: str, *, clock: Clock) -> None:
    """Store the new password in place of the one that was checked; a change that came between makes that one wrong."""
    unchanged = User.objects.filter(id=user.id, password=user.password)
    if not unchanged.update(password=make_password(password)):
        raise _wrong()
    PasswordReset.objects.filter(user=user).delete()
    sessions.end_all_silently(user.id, clock=clock)


def _wrong() -> InvalidRequest:
    problem = FieldError(field="current_password", message="This is not your password.", code="wrong")
    return InvalidRequest(errors=[problem])


def _record(actor: Actor, action: str, *, outcome: str = audit.ALLOWED) -> None:
    audit.record(actor, action=action, object_type="user", object_id=actor.user_id, outcome=outcome)


def _letter(reset: PasswordReset, token: str) -> str:
    ends = reset.expires_at.strftime("%d %B %Y, %H:%M UTC")
    return (
        f"Somebody asked for a new password for your account at {settings.PUBLIC_URL}.\n\n"
        f"If it was you: this token is good for one use until {ends}:\n\n    {token}\n\n"
        "Send it with the password that you choose to\n"
        f"    POST {settings.PUBLIC_URL}/api/v1/auth/password-reset/confirm\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
