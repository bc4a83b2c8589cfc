"""Whether a worker works: it leaves a mark whenever it has completed a task, and a probe asks how old the mark is.

A process that is there proves nothing: workers have been seen to sit at a broken connection for days. Beat sends a task that does nothing
every few seconds, so that a healthy worker always completes something.
"""

import time
from pathlib import Path

MARK_EVERY_SECONDS = 5.0
"""A busy worker completes hundreds of tasks a second; one mark in a while is enough."""


class Mark:
    """The file whose age is the time since the last completed task."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Know where it is; nothing is written yet."""
        self._path = folder / worker.replace("/", "_")
        self._last_at = 0.0

    def leave(self) -> None:
        """Note that a task was completed this moment."""
        now = time.monotonic()
        if now - self._last_at >= MARK_EVERY_SECONDS or not self._last_at:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            self._last_at = now

    def age_seconds(self) -> float | None:
        """Return how long ago a task was completed; None if none ever was."""
        try:
            return max(0.0, time.time() - self._path.stat().st_mtime)
        except FileNotFoundError:
            return None
