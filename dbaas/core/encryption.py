"""Encryption at rest, for the few secrets that must be read again: webhook secrets, second factors. Passwords and keys are hashed instead.

A model keeps such a secret in a `SealedField`; `seal` and `unseal` are the only ways in and out. The text in the column names the key that made
it, so several keys work side by side while `manage.py reencrypt` moves rows to the newest. Table, column and row are authenticated with the
text: copied to another row it cannot be read.
"""

import base64
import hashlib
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

_VERSION = "v1"
_NONCE_BYTES = 12
"""The size that AES-GCM is defined for; drawn at random, it is good for some four thousand million texts under one key (NIST SP 800-38D)."""


class CannotDecrypt(RuntimeError):
    """A stored secret cannot be read: its key is missing from ENCRYPTION_KEYS, or the row was tampered with."""


class Keyring:
    """The keys of this installation, newest first: the first encrypts, all of them decrypt."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._ciphers = {key_id_of(secret): AESGCM(_key_from(secret)) for secret in secrets}
        self.newest = next(iter(self._ciphers))
        """The id of the key that encrypts."""

    def encrypt(self, plain: str, *, place: str) -> str:
        """Return `plain` as text that only this installation can read, and only at this place (`table/column/row`)."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._ciphers[self.newest].encrypt(nonce, plain.encode(), place.encode())
        return f"{prefix_of(self.newest)}{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, sealed: str, *, place: str) -> str:
        """Return what `encrypt` was given.

        Raises: CannotDecrypt — no key of ours made it, or not for this place.
        """
        version, _, rest = sealed.partition(".")
        key_id, _, body = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _VERSION or cipher is None:
            raise CannotDecrypt(f"{place}: no key in ENCRYPTION_KEYS has the id {key_id[:16]!r}.")
        try:
            raw = base64.b64decode(body, altchars=b"-_", validate=True)
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotDecrypt(f"{place}: the text was changed, or belongs to another row.") from error


class SealedField(models.CharField):  # type: ignore[type-arg] # generic in the stubs only
    """A column that holds an encrypted secret, or nothing; `manage.py reencrypt` finds it by its class."""


def seal(row: models.Model, column: str, plain: str) -> None:
    """Put a secret into a sealed column of this row, which has its primary key already; the caller saves it."""
    setattr(row, column, keyring().encrypt(plain, place=place_of(row, column)))


def unseal(row: models.Model, column: str) -> str:
    """Return the secret in a sealed column of this row; an empty column is an empty text.

    Raises: CannotDecrypt — its key is not among ours, or the text belongs to another row.
    """
    sealed: str = getattr(row, column)
    return keyring().decrypt(sealed, place=place_of(row, column)) if sealed else ""


def place_of(row: models.Model, column: str) -> str:
    """Return where the secret stands: `table/column/primary key`."""
    return f"{row._meta.db_table}/{column}/{row.pk}"


def keyring() -> Keyring:
    """Return the keys that the settings name."""
    return _keyring(tuple(settings.ENCRYPTION_KEYS))


def key_id_of(secret: str) -> str:
    """Return the name of a key, which tells nothing of the key: so that nobody must invent names and keep them apart."""
    return hashlib.sha256(b"dbaas key id\0" + _key_from(secret)).hexdigest()[:8]


def prefix_of(key_id: str) -> str:
    """Return how every text begins that this key made."""
    return f"{_VERSION}.{key_id}."


@lru_cache(maxsize=16)
def _keyring(secrets: tuple[str, ...]) -> Keyring:
    return Keyring(secrets)


def _key_from(secret: str) -> bytes:
    derivation: Any = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"dbaas encryption at rest")
    return bytes(derivation.derive(secret.encode()))
