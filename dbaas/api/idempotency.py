"""The Idempotency-Key header: how it is read, and what makes two requests the same. The key itself is kept on the operation that it started."""

import hashlib
import re
from typing import Any

import orjson
from django.http import HttpRequest

from dbaas.api.errors import IdempotencyKeyInvalid

HEADER = "Idempotency-Key"
_VISIBLE = re.compile(r"\A[\x21-\x7e]{1,128}\Z")
_QUOTED = re.compile(r'\A"((?:[^"\\]|\\["\\])*)"\Z')


def idempotency_key(request: HttpRequest) -> str | None:
    """Return the key that came with the request, or None without one. Bare and quoted spellings of a key are the same key.

    Source: draft-ietf-httpapi-idempotency-key-header (a structured-field string), RFC 8941 section 3.3.3.
    Raises: IdempotencyKeyInvalid.
    """
    header = request.headers.get(HEADER)
    if header is None:
        return None
    header = header.strip()
    quoted = _QUOTED.match(header)
    key = re.sub(r'\\(["\\])', r"\1", quoted.group(1)) if quoted else header
    if not _VISIBLE.match(key):
        raise IdempotencyKeyInvalid
    return key


def fingerprint(method: str, path: str, body: Any) -> str:
    """Return the SHA-256 that two requests share only if they ask for the same: method, path, and body in canonical JSON (keys sorted)."""
    canonical = orjson.dumps([method.upper(), path, body], default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()
