"""ETags: a change is refused when the object changed since the client read it, and an unchanged object is not sent again."""

import hashlib
import re
from uuid import UUID

from django.http import HttpRequest, HttpResponse

from dbaas.core.errors import Stale

_TAG = re.compile(r'(?:W/)?"[^"]*"')
_DIGITS = 16
"""64 bits: two versions of one object must differ, nothing more."""


def etag_of(identifier: UUID, version: int) -> str:
    """Return the strong ETag, quotes included, of this version of this object."""
    return f'"{hashlib.sha256(f"{identifier}:{version}".encode()).hexdigest()[:_DIGITS]}"'


def require_match(request: HttpRequest, etag: str) -> bool:
    """Return whether the client named the version that it means to change; `*` and a missing If-Match mean any.

    Raises: Stale — it named another one.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return False
    if etag not in _TAG.findall(header):
        raise Stale
    return True


def is_unchanged(request: HttpRequest, etag: str) -> bool:
    """Tell whether the client holds this version already (weak comparison: RFC 9110 section 13.1.2)."""
    header = request.headers.get("If-None-Match", "").strip()
    return header == "*" or etag in [tag.removeprefix("W/") for tag in _TAG.findall(header)]


def not_modified(etag: str) -> HttpResponse:
    """Return 304 without a body."""
    return HttpResponse(status=304, headers={"ETag": etag})
