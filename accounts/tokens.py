"""The two kinds of JSON Web Tokens: what is in them, and that neither passes for the other.

Whether their owner may still come in is asked in accounts.sessions. Each token names the key that signed it, so that keys can be rotated while
tokens of the one before live out (docs/running.md). The signature is symmetric: nobody but us reads these tokens.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings

from accounts.models import User
from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.core.errors import Unauthenticated

_ALGORITHM = "HS256"
_ISSUER, _AUDIENCE = "dbaas", "dbaas-api"
_ACCESS, _REFRESH = "access", "refresh"
_REQUIRED = ["exp", "iat", "jti", "iss", "aud", "token_type"]


class TokenInvalid(Unauthenticated):
    """The token is not one of ours, was altered, or is of the wrong kind: log in again."""

    code = "auth.token_invalid"


class TokenExpired(Unauthenticated):
    """The token has expired: refresh it, or log in again."""

    code = "auth.token_expired"


@dataclass(frozen=True, kw_only=True)
class AccessClaims:
    """What an access token says."""

    user_id: UUID
    epoch: int


@dataclass(frozen=True, kw_only=True)
class IssuedRefresh:
    """A new refresh token and what is stored of it."""

    text: str
    jti_hash: str
    expires_at: datetime


def issue_access(user: User, *, lifetime: timedelta | None = None) -> str:
    """Return a signed access token for this person, good for the usual minutes unless told otherwise."""
    claims = {"sub": str(user.id), "epoch": user.session_epoch, "email": user.email}
    return _signed(_ACCESS, claims, settings.ACCESS_TOKEN_LIFETIME if lifetime is None else lifetime)[0]


def issue_refresh(user: User) -> IssuedRefresh:
    """Return a signed refresh token for this person."""
    text, claims = _signed(_REFRESH, {"sub": str(user.id)}, settings.REFRESH_TOKEN_LIFETIME)
    return IssuedRefresh(text=text, jti_hash=_hash(claims["jti"]), expires_at=claims["exp"])


def read_access(text: str) -> AccessClaims:
    """Return what a valid access token says.

    Raises: TokenExpired, TokenInvalid.
    """
    claims = _read(_ACCESS, text)
    user_id, epoch = _uuid(claims.get("sub")), claims.get("epoch")
    if not isinstance(epoch, int):
        raise TokenInvalid
    return AccessClaims(user_id=user_id, epoch=epoch)


def read_refresh(text: str) -> str:
    """Return the hash under which a valid refresh token is stored.

    Raises: TokenExpired, TokenInvalid.
    """
    return _hash(str(_read(_REFRESH, text)["jti"]))


def key_id_of(key: str) -> str:
    """Return the name of a signing key, which tells nothing of the key."""
    return hashlib.sha256(b"dbaas token signing key\0" + key.encode()).hexdigest()[:8]


def _signed(kind: str, claims: dict[str, Any], lifetime: timedelta) -> tuple[str, dict[str, Any]]:
    now, newest = SYSTEM_CLOCK.now(), settings.JWT_SIGNING_KEYS[0]
    usual = {"token_type": kind, "iat": now, "exp": now + lifetime, "jti": uuid.uuid4().hex, "iss": _ISSUER}
    whole = {**claims, **usual, "aud": _AUDIENCE}
    return jwt.encode(whole, newest, _ALGORITHM, headers={"kid": key_id_of(newest)}), whole


def _read(kind: str, text: str) -> dict[str, Any]:
    try:
        claims = _verified(text)
    except jwt.ExpiredSignatureError as error:
        raise TokenExpired from error
    except jwt.InvalidTokenError as error:
        raise TokenInvalid from error
    if claims["token_type"] != kind:
        raise TokenInvalid
    return claims


def _verified(text: str) -> dict[str, Any]:
    """Return the claims of a token that one of our keys signed.

    Raises: jwt.InvalidTokenError.
    """
    failure = jwt.InvalidTokenError("No key of ours is named.")
    for key in _keys_for(jwt.get_unverified_header(text).get("kid")):
        try:
            return jwt.decode(
                text, key, [_ALGORITHM], issuer=_ISSUER, audience=_AUDIENCE, options={"require": _REQUIRED}
            )
        except jwt.InvalidSignatureError as error:
            failure = error
    raise failure


def _keys_for(key_id: str | None) -> Iterator[str]:
    """Yield the key of that name; every key for a token without one, as releases before 0.4 issued them."""
    return (key for key in settings.JWT_SIGNING_KEYS if key_id is None or key_id_of(key) == key_id)


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise TokenInvalid from error


def _hash(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
