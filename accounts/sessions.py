"""Log in, stay in, log out. Also the check that each access token passes on each request.

A refresh token is good for one use. Whoever presents a used one holds a copy, and nobody can tell which of the two is the thief: the whole
family ends. Its refresh tokens are refused for good; access tokens live out their minutes, unless the person's `session_epoch` is raised.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db.models import F

from accounts import audit, login_limits
from accounts.actor import Actor, Credential, Origin, Via, actor_of
from accounts.models import RefreshSession, User, normalized_email
from accounts.tokens import TokenInvalid, issue_access, issue_refresh, read_access, read_refresh
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Unauthenticated
from dbaas.core.ids import uuid7

_OF_SESSION = Credential(via=Via.SESSION)
_KEPT_FOR = timedelta(days=1)
"""After they have expired; sooner or later makes no difference."""


class InvalidCredentials(Unauthenticated):
    """E-mail or password is wrong."""

    code = "auth.invalid_credentials"


class TokenReused(Unauthenticated):
    """The refresh token was used before, so its whole session has been ended for safety: log in again."""

    code = "auth.token_reused"


class SessionEnded(Unauthenticated):
    """The session has ended: log in again."""

    code = "auth.session_ended"


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """What a client holds while it is logged in."""

    access: str
    refresh: str
    expires_in: int
    """Seconds until the access token ends."""


def log_in(*, email: str, password: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> TokenPair:
    """Begin a session.

    Raises: InvalidCredentials — the same answer, after about the same time, for an unknown address, a wrong password and an inactive person.
    TooManyAttempts — too many of them lately.
    """
    address = normalized_email(email)
    login_limits.pay(email=address, origin=origin, now=clock.now())
    user = User.objects.filter(email=address).first()
    if not _opens(user, password) or user is None:
        audit.record_refused_login(user_id=user.id if user else None, email=address, origin=origin)
        raise InvalidCredentials
    login_limits.give_back(email=address, origin=origin, now=clock.now())
    return begin(user, origin=origin)


def begin(user: User, *, origin: Origin) -> TokenPair:
    """Begin a session of somebody who has just proved who they are."""
    with atomic():
        pair = _next_pair(user, family_id=uuid7(), origin=origin)
        audit.record(
            actor_of(user, origin, _OF_SESSION), action="session.started", object_type="user", object_id=user.id
        )
    return pair


def refresh(*, token: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> TokenPair:
    """Exchange a refresh token for a new pair; of two that try at once, one succeeds.

    Raises: TokenInvalid, TokenExpired. TokenReused — it was used before; its family has been ended.
    SessionEnded — it was revoked, or the person is inactive.
    """
    jti_hash, now = read_refresh(token), clock.now()
    with atomic():
        session = _claimed(jti_hash, now=now)
        if session is not None:
            _require_active(session.user)
            return _next_pair(session.user, family_id=session.family_id, origin=origin)
    session = RefreshSession.objects.select_related("user").filter(jti_hash=jti_hash).first()
    if session is None:
        raise TokenInvalid
    if session.used:
        _end_after_reuse(session, origin=origin, now=now)
        raise TokenReused
    raise SessionEnded


def log_out(*, token: str, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> None:
    """End the session that this refresh token belongs to; doing so twice is no error.

    Raises: TokenInvalid, TokenExpired.
    """
    session = RefreshSession.objects.select_related("user").filter(jti_hash=read_refresh(token)).first()
    if session is None:
        raise TokenInvalid
    with atomic():
        _end_family(session.family_id, now=clock.now())
        actor = actor_of(session.user, origin, _OF_SESSION)
        audit.record(actor, action="session.ended", object_type="user", object_id=session.user_id)


def end_all_of(actor: Actor, user_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """End every session of a person at once, access tokens included (a password was changed, a laptop was lost)."""
    with atomic():
        end_all_silently(user_id, clock=clock)
        audit.record(actor, action="session.all_ended", object_type="user", object_id=user_id)


def end_all_silently(user_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """End every session of a person, where the cause itself is on record already (the admin logs a change of password)."""
    with atomic():
        User.objects.filter(id=user_id).update(session_epoch=F("session_epoch") + 1)
        RefreshSession.objects.filter(user_id=user_id, revoked_at=None).update(revoked_at=clock.now())


def forget_expired(*, now: datetime) -> int:
    """Remove what is left of refresh tokens that have expired, which are refused by themselves; return how many."""
    deleted, _ = RefreshSession.objects.filter(expires_at__lt=now - _KEPT_FOR).delete()
    return deleted


def authenticated(access_token: str) -> User:
    """Return whose access token this is; one query.

    Raises: TokenInvalid, TokenExpired. SessionEnded — the person is inactive, or all sessions were ended after the token was issued.
    """
    claims = read_access(access_token)
    columns = ("id", "email", "name", "is_active", "is_staff", "session_epoch", "created_at")
    user = User.objects.filter(id=claims.user_id).only(*columns).first()
    if user is None or not user.is_active or user.session_epoch != claims.epoch:
        raise SessionEnded
    return user


def _opens(user: User | None, password: str) -> bool:
    if user is None:
        make_password(password)  # as much work as checking one, so that the time does not tell who has an account
        return False
    return user.check_password(password) and user.is_active


def _next_pair(user: User, *, family_id: UUID, origin: Origin) -> TokenPair:
    issued = issue_refresh(user)
    RefreshSession.objects.create(
        user=user, family_id=family_id, jti_hash=issued.jti_hash, expires_at=issued.expires_at, address=origin.address
    )
    lifetime = settings.ACCESS_TOKEN_LIFETIME
    return TokenPair(access=issue_access(user), refresh=issued.text, expires_in=int(lifetime.total_seconds()))


def _claimed(jti_hash: str, *, now: datetime) -> RefreshSession | None:
    """Use the token up; whoever changes the row may go on."""
    unused = RefreshSession.objects.filter(jti_hash=jti_hash, used=False, revoked_at=None, expires_at__gt=now)
    if not unused.update(used=True):
        return None
    return RefreshSession.objects.select_related("user").get(jti_hash=jti_hash)


def _require_active(user: User) -> None:
    if not user.is_active:
        raise SessionEnded


def _end_after_reuse(session: RefreshSession, *, origin: Origin, now: datetime) -> None:
    with atomic():
        _end_family(session.family_id, now=now)
        actor = actor_of(session.user, origin, _OF_SESSION)
        audit.record(
            actor, action="session.reuse_detected", object_type="user", object_id=session.user_id, outcome=audit.REFUSED
        )


def _end_family(family_id: UUID, *, now: datetime) -> None:
    """Revoke until nothing is left: a refresh that commits while we wait for its row adds one that the same statement does not see."""
    live = RefreshSession.objects.filter(family_id=family_id, revoked_at=None)
    while live.update(revoked_at=now):
        pass
