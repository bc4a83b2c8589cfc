"""Who acts, as a value that may be passed down to services, written into rows and compared in tests."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest

from dbaas.api.request_id import current_request_id

if TYPE_CHECKING:
    from accounts.models import User


class Via(StrEnum):
    """What somebody calls with."""

    SESSION = "session"
    API_KEY = "api_key"
    SYSTEM = "system"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What came with the request: the id of the API key with what it is narrowed to, none of that for an access token."""

    via: Via
    id: UUID | None = None
    scopes: frozenset[str] | None = None
    """What an API key is narrowed to (accounts.permissions.Scope); None for a session."""
    tenant_id: UUID | None = None
    """The only tenant that an API key opens; None for all of its owner's."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a request came from, known before anybody is."""

    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Actor:
    """The person on whose word something happens, and how the word reached us."""

    user_id: UUID
    email: str
    via: str
    credential_id: UUID | None = None
    scopes: frozenset[str] | None = None
    tenant_id: UUID | None = None
    """The only tenant that the credential opens, if it is bound to one."""
    is_operator: bool = False
    address: str = ""
    request_id: str = ""


def origin_of(request: HttpRequest) -> Origin:
    """Return the address of the other end of the connection and the request's id.

    Forwarded headers are not read here: the server in front sets REMOTE_ADDR from the proxies that it trusts.
    """
    return Origin(address=request.META.get("REMOTE_ADDR", "")[:45], request_id=current_request_id())


def actor_of(user: "User", origin: Origin, credential: Credential) -> Actor:
    """Return this person as an actor; no query."""
    return Actor(
        user_id=user.id,
        email=user.email,
        via=credential.via,
        credential_id=credential.id,
        scopes=credential.scopes,
        tenant_id=credential.tenant_id,
        is_operator=user.is_staff,
        address=origin.address,
        request_id=origin.request_id,
    )


def actor_from(request: HttpRequest) -> Actor:
    """Return who is calling, for a request that the authentication classes or Django's session let through; no query."""
    credential: Credential = getattr(request, "auth", None) or Credential(via=Via.SESSION)
    user: User = request.user  # type: ignore[assignment] # both of our authentication classes put a User there
    return actor_of(user, origin_of(request), credential)
