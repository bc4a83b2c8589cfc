"""Keeps backups as files under the operator's data folder: what a bucket is to a real KubeStash.

A file is written under another name first, and its manifest last: a snapshot without a manifest is no snapshot, and one
whose file does not fit the manifest is never restored. What the files hold is the business of `methods/`.
"""

import asyncio
import contextlib
import gzip
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

CHUNK_BYTES = 1024 * 1024
COMPRESSION = 1
"""The fastest: the disk is the machine's own, and a second of a processor is worth more than a third of the bytes."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class DamagedBackupError(Exception):
    """A file of a backup is missing, or is not what was written."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a snapshot, as its manifest describes it."""

    name: str
    file: str
    size_bytes: int
    sha256: str


class Sink:
    """Takes the bytes of one part; they are compressed and counted on the way."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb")
        self._digest = hashlib.sha256()
        self.size_bytes = 0
        # The compressor writes its head at once, so all that `write` needs stands above.
        self._zip = gzip.GzipFile(filename="", fileobj=self, mode="wb", compresslevel=COMPRESSION, mtime=0)

    def write(self, compressed: bytes) -> int:
        """Take compressed bytes from the compressor."""
        self._digest.update(compressed)
        self.size_bytes += len(compressed)
        return self._raw.write(compressed)

    def flush(self) -> None:
        """Let the compressor believe that all is written; `close` sees to it."""

    async def take(self, chunk: bytes) -> None:
        """Take plain bytes."""
        await asyncio.to_thread(self._zip.write, chunk)

    def close(self) -> str:
        """Write all of it to the disk and give its checksum."""
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        return self._digest.hexdigest()

    def abandon(self) -> None:
        """Close the file without finishing it."""
        self._raw.close()


class Folder:
    """The files of one snapshot."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.asynccontextmanager
    async def writing(self, name: str) -> AsyncIterator[Sink]:
        """Give where to write a part; it gets its name only when all of it is there."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path / f".{name}.{secrets.token_hex(4)}"
        sink = Sink(fresh)
        try:
            yield sink
            digest = await asyncio.to_thread(sink.close)
            part = Part(name=name, file=f"{name}.gz", size_bytes=sink.size_bytes, sha256=digest)
            fresh.replace(self.path / part.file)
            manifest = self.path / f".{name}.json"
            manifest.write_text(json.dumps(asdict(part)))
            manifest.replace(self._manifest(name))
        finally:
            sink.abandon()
            fresh.unlink(missing_ok=True)

    def parts(self) -> list[Part]:
        """Give the complete parts, in the order of their names."""
        found = []
        for path in sorted(self.path.glob("[!.]*.json")):
            with contextlib.suppress(OSError, ValueError, TypeError):
                found.append(Part(**json.loads(path.read_text())))
        return found

    def checksum(self) -> str:
        """Give what the parts' checksums amount to: that of the part itself where there is only one."""
        parts = self.parts()
        if len(parts) == 1:
            return parts[0].sha256
        lines = "".join(f"{part.name} {part.sha256}\n" for part in parts)
        return hashlib.sha256(lines.encode()).hexdigest()

    async def verify(self, checksum: str) -> None:
        """Read every part again. Raises: DamagedBackupError — something is missing or has changed."""
        if not self.parts() or self.checksum() != checksum:
            raise DamagedBackupError("The backup is incomplete, or its manifest has changed; it is not restored.")
        for part in self.parts():
            if await asyncio.to_thread(_digest, self.path / part.file) != part.sha256:
                raise DamagedBackupError(
                    f"File {part.file} of the backup is missing or has changed; it is not restored."
                )

    def open(self, part: Part) -> IO[bytes]:
        """Open the plain bytes of a part."""
        return cast("IO[bytes]", gzip.open(self.path / part.file))

    def clean(self) -> None:
        """Remove what a killed operator left half written."""
        for path in self.path.glob(".*"):
            path.unlink(missing_ok=True)

    async def remove(self) -> None:
        """Remove the files."""
        await asyncio.to_thread(shutil.rmtree, self.path, ignore_errors=True)

    def size_bytes(self) -> int:
        """Give how large the parts are together."""
        return sum(part.size_bytes for part in self.parts())

    def _manifest(self, name: str) -> Path:
        return self.path / f"{name}.json"


class Vault:
    """All backups of this operator, by storage."""

    def __init__(self, root: Path) -> None:
        self._root = root / "backups"

    def directory(self, namespace: str, storage: str, *parts: str) -> str:
        """Give the folder of a repository, relative to all backups; what could lead out of it is taken off."""
        words = [word for part in parts for word in part.split("/") if word.strip(".")]
        return "/".join([_safe(namespace), _safe(storage), *map(_safe, words)])

    def path(self, directory: str) -> Path:
        """Give the folder that a directory names, made or not."""
        return self._root / directory

    def folder(self, directory: str, snapshot: str) -> Folder:
        """Give the files of one snapshot."""
        return Folder(self._root / directory / _safe(snapshot))

    def recorded(self, folder: str) -> Folder | None:
        """Give the files that a snapshot's annotation names, unless that leads out of the backups."""
        path = (self._root / folder).resolve()
        inside = folder and path.is_relative_to(self._root.resolve()) and path != self._root.resolve()
        return Folder(path) if inside else None

    def relative(self, folder: Folder) -> str:
        """Give a snapshot's folder as its annotation names it."""
        return str(folder.path.relative_to(self._root))

    def size_bytes(self, directory: str) -> int:
        """Give how much a repository holds."""
        files = self.path(directory).rglob("*.gz")
        return sum(file.stat().st_size for file in files if not file.name.startswith("."))

    async def remove(self, directory: str) -> None:
        """Remove a repository's folder, and its parents where nothing else is in them."""
        folder = self._root / directory
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            for parent in list(folder.relative_to(self._root).parents)[:-1]:
                (self._root / parent).rmdir()


def _safe(word: str) -> str:
    return _UNSAFE.sub("_", word)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
