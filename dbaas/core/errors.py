"""The three ways in which work can fail, as words that every layer shares.

A caller's mistake is `Rejected`; the outside world's is `Transient` (try again) or `Permanent` (never). Anything else that is raised is
our bug and is treated as one. This file knows no HTTP: `dbaas.api.problems` holds the one table that maps these to statuses.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One field that the caller must change: `field` is a dotted path such as `topology.replicas`."""

    field: str
    message: str
    code: str


class ProductError(Exception):
    """Something went wrong that we foresaw."""

    code: ClassVar[str] = "internal.error"
    """Stable, lower case, dotted; clients switch on it. Listed in docs/errors.md, kept unique by a test."""

    def __init__(self, detail: str | None = None) -> None:
        """Remember what happened; without `detail` the class's docstring says it."""
        self.detail = detail or inspect.cleandoc(self.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        super().__init__(self.detail)


class Rejected(ProductError):
    """The request was refused."""

    code = "request.rejected"

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        extra: Mapping[str, Any] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        """Remember what to change: `errors` by field, `extra` as further members of the problem document."""
        super().__init__(detail)
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.retry_after = retry_after


class InvalidRequest(Rejected):
    """The request is not valid: see the errors by field."""

    code = "request.invalid"


class Unauthenticated(Rejected):
    """No valid credentials came with the request: log in, or send an API key."""

    code = "auth.required"


class Forbidden(Rejected):
    """You may not do this."""

    code = "permission.denied"


class NotFound(Rejected):
    """There is no such object, or it is not yours."""

    code = "object.not_found"


class Conflict(Rejected):
    """The object's present state does not allow this."""

    code = "object.conflict"


class Stale(Rejected):
    """The object changed since you read it: read it again and repeat the change with the new ETag."""

    code = "object.stale"


class Unprocessable(Rejected):
    """The request is well formed but cannot be carried out as it stands."""

    code = "request.unprocessable"


class Transient(ProductError):
    """The outside world did not answer as it should; the same call may work later."""

    code = "outside.transient"
    counts_as_try: ClassVar[bool] = True
    """False: nobody's fault here, so it does not use up the tries of a step, and only the operation's own deadline ends the waiting."""

    def __init__(self, detail: str | None = None, *, retry_after: timedelta | None = None) -> None:
        """Remember how long the other side asked us to wait, if it did."""
        super().__init__(detail)
        self.retry_after = retry_after


class Permanent(ProductError):
    """The outside world refused, and would refuse again."""

    code = "outside.permanent"
