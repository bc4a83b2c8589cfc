"""Look for secrets where none may be: in files, the metadata database, the broker, metrics and answers, in every spelling that a program makes.

Every secret of a run is random and long, so each is a marker: to find it is to have found a leak.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx

LEAST_CHARS = 12
"""A shorter text may stand somewhere by chance."""


def spellings(secret: str) -> set[bytes]:
    """Return how the secret looks as it is, quoted for JSON and for URLs, and inside longer texts that were encoded in base64 or hexadecimal."""
    raw = secret.encode()
    found = {raw, json.dumps(secret)[1:-1].encode(), quote(secret, safe="").encode(), raw.hex().encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"x" * shift + raw)
            # what stands beside the secret changes the first and the last letters
            found.add(encoded[-(-shift * 8 // 6) : len(encoded) // 4 * 4 - 4])
    return found


def leaks_in(raw: bytes, secrets: Mapping[str, str]) -> list[str]:
    """Return the names of the secrets that stand in these bytes."""
    for name, secret in secrets.items():
        assert len(secret) >= LEAST_CHARS, f"{name} is too short to be a marker"
    return [name for name, secret in secrets.items() if any(spelling in raw for spelling in spellings(secret))]


def leaks_in_files(folder: Path, secrets: Mapping[str, str], *, meant: Iterable[str]) -> Iterator[str]:
    """Yield every file below the folder that holds a secret, but those that are meant to (paths from the folder, with *)."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(name.match(pattern) for pattern in meant):
            yield from (f"{name} holds {leak}" for leak in leaks_in(path.read_bytes(), secrets))


@dataclass
class Answers:
    """Every answer that a client got, with the request that it answers."""

    kept: list[tuple[str, bytes]] = field(default_factory=list)

    def keep(self, answer: httpx.Response) -> None:
        """Remember an answer: hook this into a client."""
        answer.read()
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        self.kept.append((f"{answer.request.method} {answer.request.url.path}", head + b"\n\n" + answer.content))

    def leaks(self, secrets: Mapping[str, str], *, meant: Mapping[str, str]) -> list[str]:
        """Return every answer that holds a secret, but those that are meant to: by the secret's name, how the request's address ends."""
        return [
            f"{request} holds {leak}"
            for request, raw in self.kept
            for leak in leaks_in(raw, secrets)
            if not (leak in meant and request.endswith(meant[leak]))
        ]
