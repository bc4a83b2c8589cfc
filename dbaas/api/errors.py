"""What can be wrong with a request before any application looks at it: its size, its form, its rate.

The rest is refused by the applications themselves.
"""

from datetime import timedelta

from dbaas.core.errors import Forbidden, InvalidRequest, NotFound, Rejected, Transient, Unauthenticated


class MalformedJson(InvalidRequest):
    """The body is not a JSON object: check its syntax and send an object at the top."""

    code = "request.malformed_json"


class MalformedRequest(InvalidRequest):
    """The request could not be understood: check its headers and its address."""

    code = "request.malformed"


class CursorInvalid(InvalidRequest):
    """The cursor does not belong to this list with these filters: leave it out to begin again at the first page."""

    code = "cursor.invalid"


class IdempotencyKeyInvalid(InvalidRequest):
    """Idempotency-Key must be 1 to 128 visible ASCII characters; a random UUID is a good one."""

    code = "idempotency_key.invalid"


class CredentialsInvalid(Unauthenticated):
    """The credentials that came with the request are not valid: log in again, or send a live API key."""

    code = "auth.invalid"


class ScopeMissing(Forbidden):
    """The API key's scopes do not allow this: use a key that has the scope in `scope_needed`, or log in where no key will do."""

    code = "api_key.scope_missing"


class NetworkForbidden(Forbidden):
    """The API key may not be used from this address: call from one of its allowed networks, or make a key for yours."""

    code = "api_key.network_forbidden"


class RouteNotFound(NotFound):
    """There is nothing at this address: see /api/docs for the routes that exist."""

    code = "route.not_found"


class MethodNotAllowed(Rejected):
    """The address does not know this method: see the Allow header."""

    code = "request.method_not_allowed"


class NotAcceptable(Rejected):
    """Answers are application/json only: send that, or nothing, as Accept."""

    code = "request.not_acceptable"


class LengthRequired(Rejected):
    """The body's length must be known: send Content-Length."""

    code = "request.length_required"


class TooLarge(Rejected):
    """The body is larger than 256 kB: send less."""

    code = "request.too_large"


class UnsupportedMediaType(Rejected):
    """Bodies must be JSON: send Content-Type: application/json."""

    code = "request.unsupported_media_type"


class TooManyRequests(Rejected):
    """Too many requests in a short time: wait as long as Retry-After says."""

    code = "request.throttled"


class StorageUnavailable(Transient):
    """The service cannot reach its own database at the moment, so nothing was accepted: send the request again."""

    code = "service.unavailable"

    def __init__(self) -> None:
        """Say so, and when to come back; never which database, or where."""
        super().__init__(retry_after=timedelta(seconds=5))
