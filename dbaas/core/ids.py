"""Identifiers: UUID version 7, whose order is the order of creation, so that lists page by primary key."""

import base64
import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, then random bits.

    Source: RFC 9562 section 5.7. Python has it from 3.14 on.
    """
    unix_ms = time.time_ns() // 1_000_000
    value = (unix_ms & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def short_name(identifier: uuid.UUID) -> str:
    """Return the 26 lower-case letters and digits that stand for this id in names of Kubernetes objects (base32, no padding)."""
    return base64.b32encode(identifier.bytes).decode().rstrip("=").lower()
