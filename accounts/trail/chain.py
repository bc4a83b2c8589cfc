"""What links one audit event to the next: a digest over its content, its place, and the digest before it. Pure; docs/audit.md says the same.

The content is what the API shows, so that an auditor can check an export without our code.
"""

import hashlib
from typing import Any

import orjson

from accounts.models import AuditEvent
from dbaas.api.json import timestamp

BEGINNING = "0" * 64
"""Stands before the first event of a chain."""


def content_of(event: AuditEvent) -> dict[str, Any]:
    """Return what the digest covers, in plain JSON types: changing a name or a form here ends the verification of everything that is sealed."""
    return {
        "id": str(event.id),
        "at": timestamp(event.at),
        "actor": {
            "id": _text(event.actor_id),
            "email": event.actor_email,
            "via": str(event.via),
            "credential_id": _text(event.credential_id),
        },
        "action": event.action,
        "object": {"type": event.object_type, "id": event.object_id},
        "outcome": event.outcome,
        "address": event.address,
        "request_id": event.request_id,
        "detail": event.detail,
    }


def digest_of(event: AuditEvent, *, position: int, after: str) -> str:
    """Return the SHA-256, in hexadecimal, of four lines: the digest `after` which this comes, chain, position, content as canonical JSON.

    Canonical: keys sorted, no spaces, UTF-8.
    """
    content = orjson.dumps(content_of(event), option=orjson.OPT_SORT_KEYS)
    lines = (after.encode(), event.chain.encode(), str(position).encode(), content)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def chain_of(event: AuditEvent) -> str:
    """Return the chain that the event belongs to by its tenant."""
    return str(event.tenant_id or AuditEvent.PLATFORM)


def _text(identifier: object) -> str | None:
    return None if identifier is None else str(identifier)
