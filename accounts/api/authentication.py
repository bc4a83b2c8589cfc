"""How a request proves who sends it: an access token or an API key.

Both put the person into `request.user` and a `Credential` into `request.auth`.
"""

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts import api_keys, sessions
from accounts.actor import Credential, Via, origin_of
from accounts.models import User
from accounts.tokens import TokenInvalid

_CHALLENGE = 'Bearer realm="dbaas"'


class AccessTokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <access token>`."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        """Return who sent the token, or None if there is no Authorization header.

        Raises: TokenInvalid, TokenExpired, SessionEnded.
        """
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer":  # noqa: PLR2004 -- a scheme and a token
            raise TokenInvalid("Send the header as: Authorization: Bearer <access token>.")
        return sessions.authenticated(words[1].decode("latin-1")), Credential(via=Via.SESSION)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge for a 401."""
        del request
        return _CHALLENGE


class ApiKeyAuthentication(BaseAuthentication):
    """`X-API-Key: dbk_...`."""

    def authenticate(self, request: Request) -> tuple[User, Credential] | None:
        """Return whose key it is, or None if there is no such header.

        Raises: ApiKeyInvalid, NetworkForbidden.
        """
        text = request.headers.get("X-API-Key")
        if text is None:
            return None
        key = api_keys.authenticated(text, origin=origin_of(request))
        return key.user, api_keys.credential_of(key)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge for a 401."""
        del request
        return _CHALLENGE
