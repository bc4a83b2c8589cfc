"""Reads and writes lengths of time and sizes as KubeStash does: pure text."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|mo|s|m|h|d|w|y)")
KIBI = 1024


def parse_duration(text: str) -> timedelta:
    """Read for example 2h30m, 7d or 2mo. Raises: ValueError — it is none."""
    rest, total = text.strip(), timedelta()
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise ValueError(f"{text!r} is not a length of time such as 30s, 2h, 7d or 1y")
        total += float(part[1]) * _UNITS[part[2]]
        rest = rest[part.end() :]
    return total


def write_duration(length: timedelta) -> str:
    """Write for example 1h2m3.5s; parts that are nought in front are left out."""
    seconds = max(0.0, length.total_seconds())
    hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
    rest = f"{seconds % 60:.3f}".rstrip("0").rstrip(".")
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest}s"


def write_size(size_bytes: int) -> str:
    """Write for example 2.173 KiB."""
    size, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < KIBI:
            break
        size, unit = size / KIBI, larger
    return f"{size_bytes} B" if unit == "B" else f"{size:.3f} {unit}"


def read_time(text: str) -> datetime:
    """Read a time as Kubernetes writes it. Raises: ValueError — it is none, or names no time zone."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return time.astimezone(UTC)
