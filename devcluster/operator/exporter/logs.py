"""The last lines of a server's log file, without reading the rest of it."""

from pathlib import Path
from typing import BinaryIO

CHUNK_BYTES = 64 * 1024
NEWLINE = 0x0A


def tail(path: Path, *, lines: int | None, limit_bytes: int | None) -> bytes:
    """Give the last `lines` lines (None: all), and of those the first `limit_bytes` bytes, as the kubelet does.

    Raises: FileNotFoundError.
    """
    with path.open("rb") as log:
        end = log.seek(0, 2)
        start = 0 if lines is None else _start_of_last(log, end, lines)
        log.seek(start)
        size = end - start if limit_bytes is None else min(limit_bytes, end - start)
        return log.read(size)


def _start_of_last(log: BinaryIO, end: int, lines: int) -> int:
    """Find where the last lines begin, reading backwards; a line without its end counts too."""
    breaks: list[int] = []
    place = end
    while place > 0 and len(breaks) <= lines:
        size = min(CHUNK_BYTES, place)
        place -= size
        log.seek(place)
        chunk = log.read(size)
        found = [place + index + 1 for index, byte in enumerate(chunk) if byte == NEWLINE]
        breaks = [one for one in found if one < end] + breaks
    if lines == 0:
        return end
    return breaks[-lines] if len(breaks) >= lines else 0
