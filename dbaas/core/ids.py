"""Identifiers: UUID version 7, whose order is the order of creation, so that lists page by primary key."""

import base64
import secrets
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7: 48 bits of Unix milliseconds, 12 bits of the fraction below them, then random bits.

    Source: RFC 9562 sections 5.7 and 6.2 (method 3). Python has it from 3.14 on.
    """
    unix_ms, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = (rest_ns << 12) // 1_000_000
    value = (unix_ms & (2**48 - 1)) << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def short_name(identifier: uuid.UUID) -> str:
    """Return the 26 lower-case letters and digits that stand for this id in names of Kubernetes objects (base32, no padding)."""
    return base64.b32encode(identifier.bytes).decode().rstrip("=").lower()
