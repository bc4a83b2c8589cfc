"""The two kinds of JSON Web Tokens: what is in them, and that neither passes for the other.

Whether their owner may still come in is asked in accounts.sessions.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.tokens import Token

from accounts.models import User
from dbaas.core.errors import Unauthenticated


class TokenInvalid(Unauthenticated):
    """The token is not one of ours, was altered, or is of the wrong kind: log in again."""

    code = "auth.token_invalid"


class TokenExpired(Unauthenticated):
    """The token has expired: refresh it, or log in again."""

    code = "auth.token_expired"


class AccessToken(Token):
    """Opens the API for some minutes."""

    token_type = "access"  # noqa: S105 -- a kind, not a secret
    lifetime = settings.ACCESS_TOKEN_LIFETIME


class RefreshToken(Token):
    """Is exchanged, once, for a new pair."""

    token_type = "refresh"  # noqa: S105 -- a kind, not a secret
    lifetime = settings.REFRESH_TOKEN_LIFETIME


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


_AnyToken = TypeVar("_AnyToken", bound=Token)


def issue_access(user: User) -> str:
    """Return a signed access token for this person."""
    token = AccessToken()
    token["sub"] = str(user.id)
    token["epoch"] = user.session_epoch
    token["email"] = user.email
    return str(token)


def issue_refresh(user: User) -> IssuedRefresh:
    """Return a signed refresh token for this person."""
    token = RefreshToken()
    token["sub"] = str(user.id)
    expires_at = datetime.fromtimestamp(token["exp"], tz=UTC)
    return IssuedRefresh(text=str(token), jti_hash=_hash(token["jti"]), expires_at=expires_at)


def read_access(text: str) -> AccessClaims:
    """Return what a valid access token says.

    Raises: TokenExpired, TokenInvalid.
    """
    token = _read(AccessToken, text)
    user_id, epoch = _uuid(token.get("sub")), token.get("epoch")
    if not isinstance(epoch, int):
        raise TokenInvalid
    return AccessClaims(user_id=user_id, epoch=epoch)


def read_refresh(text: str) -> str:
    """Return the hash under which a valid refresh token is stored.

    Raises: TokenExpired, TokenInvalid.
    """
    return _hash(str(_read(RefreshToken, text)["jti"]))


def _read(kind: type[_AnyToken], text: str) -> _AnyToken:
    try:
        return kind(text)  # type: ignore[arg-type] # the library names its own class where it takes text
    except ExpiredTokenError as error:
        raise TokenExpired from error
    except TokenError as error:
        raise TokenInvalid from error


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise TokenInvalid from error


def _hash(jti: str) -> str:
    return hashlib.sha256(jti.encode()).hexdigest()
