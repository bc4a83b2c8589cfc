"""Ports of the real servers: below the range that Services and outgoing connections use, so that they can be kept."""

import random
import socket

LOOPBACK = "127.0.0.1"
# 30000 to 32767 belongs to Services, and what is above is handed out to outgoing connections by most kernels.
FIRST_PORT, LAST_PORT = 20000, 29999
ATTEMPTS = 500


class Ports:
    """Hands out ports on the loopback address; one object per operator knows which are promised already."""

    def __init__(self) -> None:
        self._promised: set[int] = set()

    def keep(self, port: int) -> None:
        """Remember a port that a server has."""
        self._promised.add(port)

    def release(self, port: int) -> None:
        """Forget a port that nobody needs any more."""
        self._promised.discard(port)

    def choose(self) -> int:
        """Promise a port that can be bound right now."""
        for _ in range(ATTEMPTS):
            port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 - spreads ports, protects nothing
            if port not in self._promised and is_free(port):
                self._promised.add(port)
                return port
        raise OSError(f"No free port between {FIRST_PORT} and {LAST_PORT}; stop some servers.")


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a loopback port now."""
    with socket.socket() as probe:
        # As the servers do it: connections that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
