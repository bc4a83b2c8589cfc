"""API keys: how programs call. A key does what its owner may do, narrowed to its scopes, its tenant and its networks.

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
from accounts.actor import Actor, Credential, Origin, Via, actor_of
from accounts.key_limits import USUAL, KeyLimits, limits_for
from accounts.models import ApiKey
from accounts.networks import is_within
from accounts.permissions import Permission, opens
from dbaas.api.errors import NetworkForbidden, ScopeMissing
from dbaas.core.clock import SYSTEM_CLOCK, Clock
from dbaas.core.db import atomic
from dbaas.core.errors import Conflict, NotFound, Unauthenticated

MAX_LIVE_KEYS = 20
"""Per person; more are a sign of keys that nobody removes."""
_SECRET_BYTES = 32
_PREFIX_ALPHABET = string.ascii_lowercase + string.digits
_PREFIX_CHARS = 8
_FORM = re.compile(r"\Adbk_([a-z0-9]{8})_([A-Za-z0-9_-]{43})\Z")
_NOTED_EVERY = timedelta(minutes=1)
_OF_OWNER = ("user__id", "user__email", "user__name", "user__is_active", "user__is_staff", "user__created_at")
_OF_KEY = (
    "id",
    "secret_hash",
    "expires_at",
    "revoked_at",
    "last_used_at",
    "last_refused_at",
    "user_id",
    "scopes",
    "tenant_id",
    "allowed_networks",
)


class ApiKeyInvalid(Unauthenticated):
    """The API key is unknown, expired or revoked: make a new one."""

    code = "auth.api_key_invalid"


class ApiKeyNotFound(NotFound):
    """You have no such API key: list yours with GET /api/v1/auth/api-keys."""

    code = "api_key.not_found"


class TooManyApiKeys(Conflict):
    """You have 20 live API keys, the most that one person may have: revoke one first."""

    code = "api_key.too_many"


def create(actor: Actor, *, name: str, limits: KeyLimits = USUAL, clock: Clock = SYSTEM_CLOCK) -> tuple[ApiKey, str]:
    """Make a key and return it with its full text, which cannot be had again. What a key makes is never wider than that key.

    Raises: TooManyApiKeys. InvalidRequest — it would have expired already, or its networks or its tenant are none. KeyTooWide, ScopeMissing.
    ApiKeyInvalid — the key that it is made with was revoked this moment.
    """
    now = clock.now()
    if not opens(actor.scopes, Permission.KEYS_WRITE):
        raise ScopeMissing
    parent = ApiKey.objects.get(id=actor.credential_id) if actor.credential_id else None
    complete = limits_for(actor, limits, parent=parent, now=now)
    if _live_keys(actor, now=now).count() >= MAX_LIVE_KEYS:
        raise TooManyApiKeys
    prefix = "".join(secrets.choice(_PREFIX_ALPHABET) for _ in range(_PREFIX_CHARS))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with atomic():
        _hold(parent, now=now)
        key = ApiKey.objects.create(
            user_id=actor.user_id,
            name=name,
            prefix=prefix,
            secret_hash=_hash(secret),
            made_with=parent.id if parent else None,
            **complete.columns(),
        )
        _record(actor, "api_key.created", key.id, name=name, prefix=prefix, **complete.shown())
    return key, f"dbk_{prefix}_{secret}"


def revoke(actor: Actor, key_id: UUID, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """End one of the actor's own keys, at once, and those that were made with it.

    Raises: ApiKeyNotFound — it is somebody else's, or revoked already.
    """
    with atomic():
        if not keys_of(actor).filter(id=key_id).update(revoked_at=clock.now()):
            raise ApiKeyNotFound
        _record(actor, "api_key.revoked", key_id)
        _revoke_descendants(actor, key_id, now=clock.now())


def revoke_as_operator(actor: Actor, key_ids: Sequence[UUID], *, clock: Clock = SYSTEM_CLOCK) -> int:
    """End these keys, whosever they are, and those that were made with them; return how many of these were live."""
    revoked = 0
    with atomic():
        for key_id in key_ids:
            if ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=clock.now()):
                _record(actor, "api_key.revoked", key_id)
                _revoke_descendants(actor, key_id, now=clock.now())
                revoked += 1
    return revoked


def keys_of(actor: Actor) -> QuerySet[ApiKey]:
    """Return the actor's keys that are not revoked; for a key that is bound to a tenant, those that are bound to the same one."""
    bound = {"tenant_id": actor.tenant_id} if actor.tenant_id is not None else {}
    return ApiKey.objects.filter(user_id=actor.user_id, revoked_at=None, **bound)


def authenticated(text: str, *, origin: Origin, clock: Clock = SYSTEM_CLOCK) -> ApiKey:
    """Return the key that this text is, with its owner; one query, and one write a minute to note the use.

    Raises: ApiKeyInvalid. NetworkForbidden — it is live, but not for this address; that is on record.
    """
    form, now = _FORM.match(text), clock.now()
    if form is None:
        raise ApiKeyInvalid
    key = ApiKey.objects.filter(prefix=form.group(1)).select_related("user").only(*_OF_KEY, *_OF_OWNER).first()
    is_right = hmac.compare_digest(_hash(form.group(2)), key.secret_hash if key else "")
    if key is None or not is_right or not key.is_live(now=now) or not key.user.is_active:
        raise ApiKeyInvalid
    if key.allowed_networks and not is_within(origin.address, key.allowed_networks):
        _note_refusal(key, origin, now=now)
        raise NetworkForbidden
    if _is_due(key.last_used_at, now=now):
        ApiKey.objects.filter(id=key.id).update(last_used_at=now, last_used_address=origin.address)
    return key


def credential_of(key: ApiKey) -> Credential:
    """Return what a request that came with this key carries."""
    return Credential(via=Via.API_KEY, id=key.id, scopes=frozenset(key.scopes), tenant_id=key.tenant_id)


def _note_refusal(key: ApiKey, origin: Origin, *, now: datetime) -> None:
    """Put the attempt on record, at most once a minute: whoever found the key must not fill the audit log with it."""
    if _is_due(key.last_refused_at, now=now):
        ApiKey.objects.filter(id=key.id).update(last_refused_at=now)
        actor = actor_of(key.user, origin, credential_of(key))
        audit.record(
            actor,
            action="api_key.refused",
            object_type="api_key",
            object_id=key.id,
            tenant_id=key.tenant_id,
            outcome=audit.REFUSED,
        )


def _is_due(last: datetime | None, *, now: datetime) -> bool:
    return last is None or now - last >= _NOTED_EVERY


def _hold(parent: ApiKey | None, *, now: datetime) -> None:
    """Write to the parent's row, so that who revokes it waits for this transaction and then finds what it made."""
    if parent and not ApiKey.objects.filter(id=parent.id, revoked_at=None).update(last_used_at=now):
        raise ApiKeyInvalid


def _revoke_descendants(actor: Actor, key_id: UUID, *, now: datetime) -> None:
    for child_id in ApiKey.objects.filter(made_with=key_id, revoked_at=None).values_list("id", flat=True):
        ApiKey.objects.filter(id=child_id).update(revoked_at=now)
        _record(actor, "api_key.revoked", child_id, made_with=str(key_id))
        _revoke_descendants(actor, child_id, now=now)


def _record(actor: Actor, action: str, key_id: UUID, **detail: object) -> None:
    audit.record(actor, action=action, object_type="api_key", object_id=key_id, detail=detail)


def _live_keys(actor: Actor, *, now: datetime) -> QuerySet[ApiKey]:
    mine = ApiKey.objects.filter(user_id=actor.user_id, revoked_at=None)
    return mine.filter(Q(expires_at=None) | Q(expires_at__gt=now))


def _hash(secret: str) -> str:
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256).hexdigest()
