"""API keys: how programs call. A key does what its owner may do.

`dbk_<prefix>_<secret>`: the prefix finds the row, the secret (256 random bits, so a quick keyed hash is enough) is compared in constant time.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from accounts import audit
from accounts.actor import Actor, Via
from accounts.models import ApiKey
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, FieldError, Forbidden, InvalidRequest, NotFound, Unauthenticated

MAX_LIVE_KEYS = 20
"""Per person; more are a sign of keys that nobody removes."""
_SECRET_BYTES = 32
_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_PREFIX_CHARS = 8
_FORM = re.compile(r"\Adbk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})\Z")
_LAST_USE_PRECISION = timedelta(minutes=1)


class ApiKeyInvalid(Unauthenticated):
    """The API key is unknown, expired or revoked: make a new one."""

    code = "auth.api_key_invalid"


class ApiKeyNotFound(NotFound):
    """You have no such API key: list yours with GET /api/v1/auth/api-keys."""

    code = "api_key.not_found"


class TooManyApiKeys(Conflict):
    """You have 20 live API keys, the most that one person may have: revoke one first."""

    code = "api_key.too_many"


class ApiKeyCannotMakeKeys(Forbidden):
    """An API key cannot make another, so that a stolen one can be revoked for good: log in for this."""

    code = "api_key.session_required"


def create(
    actor: Actor, *, name: str, expires_at: datetime | None = None, clock: Clock = SYSTEM_CLOCK
) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which cannot be had again.

    Raises: ApiKeyCannotMakeKeys, TooManyApiKeys. InvalidRequest — it would have expired already.
    """
    now = clock.now()
    if actor.via == Via.API_KEY:
        raise ApiKeyCannotMakeKeys
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest(errors=[FieldError(field="expires_at", message="Must be in the future.", code="past")])
    if _live_keys(actor, now=now).count() >= MAX_LIVE_KEYS:
        raise TooManyApiKeys
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(_PREFIX_CHARS))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with atomic():
        key = ApiKey.objects.create(
            user_id=actor.user_id, name=name, prefix=prefix, secret_hash=_hash(secret), expires_at=expires_at
        )
        audit.record(
            actor,
            action="api_key.created",
            object_type="api_key",
            object_id=key.id,
            detail={"name": name, "prefix": prefix},
        )
    return key, f"dbk_{prefix}_{secret}"


def revoke(actor: Actor, key_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """End one of the actor's own keys, at once.

    Raises: ApiKeyNotFound — it is somebody else's, or revoked already.
    """
    with atomic():
        if not ApiKey.objects.filter(id=key_id, user_id=actor.user_id, revoked_at=None).update(revoked_at=clock.now()):
            raise ApiKeyNotFound
        audit.record(actor, action="api_key.revoked", object_type="api_key", object_id=key_id)


def revoke_as_operator(actor: Actor, key_ids: Sequence[UUID], *, clock: Clock = SYSTEM_CLOCK) -> int:
    """End these keys, whosever they are, and return how many were live."""
    revoked = 0
    with atomic():
        for key_id in key_ids:
            if ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=clock.now()):
                audit.record(actor, action="api_key.revoked", object_type="api_key", object_id=key_id)
                revoked += 1
    return revoked


def keys_of(actor: Actor) -> QuerySet[ApiKey]:
    """Return the actor's keys that are not revoked."""
    return ApiKey.objects.filter(user_id=actor.user_id, revoked_at=None)


def authenticated(text: str, *, clock: Clock = SYSTEM_CLOCK) -> ApiKey:
    """Return the key that this text is, with its owner; one query, and one write a minute to note the use.

    Raises: ApiKeyInvalid.
    """
    form, now = _FORM.match(text), clock.now()
    if form is None:
        raise ApiKeyInvalid
    owner = ("user__id", "user__email", "user__name", "user__is_active", "user__is_staff", "user__created_at")
    own = ("id", "secret_hash", "expires_at", "revoked_at", "last_used_at", "user_id")
    key = ApiKey.objects.filter(prefix=form.group(1)).select_related("user").only(*own, *owner).first()
    is_right = hmac.compare_digest(_hash(form.group(2)), key.secret_hash if key else "")
    if key is None or not is_right or not key.is_live(now=now) or not key.user.is_active:
        raise ApiKeyInvalid
    if key.last_used_at is None or now - key.last_used_at >= _LAST_USE_PRECISION:
        ApiKey.objects.filter(id=key.id).update(last_used_at=now)
    return key


def _live_keys(actor: Actor, *, now: datetime) -> QuerySet[ApiKey]:
    return keys_of(actor).filter(Q(expires_at=None) | Q(expires_at__gt=now))


def _hash(secret: str) -> str:
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256).hexdigest()
