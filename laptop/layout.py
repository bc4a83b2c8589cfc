"""Where things are on this machine: one folder, a few ports, all of them chosen by the environment or by default."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent.parent


class CannotStart(Exception):
    """One sentence that says what is in the way and what to do; shown without a stack trace."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The folder and the ports of one copy of the system."""

    data_dir: Path
    web_port: int
    flower_port: int
    kube_port: int
    broker_port: int

    @property
    def web_url(self) -> str:
        """Return where the API and the admin answer."""
        return f"http://{HOST}:{self.web_port}"

    @property
    def flower_url(self) -> str:
        """Return where Flower answers."""
        return f"http://{HOST}:{self.flower_port}"

    @property
    def cluster_dir(self) -> Path:
        """Return the pocket cluster's folder."""
        return self.data_dir / "cluster"

    @property
    def kubeconfig(self) -> Path:
        """Return the file with which `kubectl` reaches the pocket cluster."""
        return self.cluster_dir / "kubeconfig"

    @property
    def environment_file(self) -> Path:
        """Return the file from which every `manage.py` command learns what the launcher chose."""
        return self.data_dir / "dbaas.env"

    @property
    def log_dir(self) -> Path:
        """Return where each process writes its log."""
        return self.data_dir / "log"


def layout_from(environ: Mapping[str, str]) -> Layout:
    """Return the layout that PORT, FLOWER_PORT, KUBE_PORT, BROKER_PORT and DBAAS_DATA_DIR ask for; port 0 picks a free one.

    Raises: CannotStart — a variable is not a port number.
    """
    return Layout(
        data_dir=Path(environ.get("DBAAS_DATA_DIR") or ROOT / "var").resolve(),
        web_port=_port(environ, "PORT", 8000),
        flower_port=_port(environ, "FLOWER_PORT", 5555),
        kube_port=_port(environ, "KUBE_PORT", 6443),
        broker_port=_port(environ, "BROKER_PORT", 0),
    )


def require_free_ports(layout: Layout) -> None:
    """Check that nobody else listens where we are going to.

    Raises: CannotStart — names the port and the variable that changes it.
    """
    named = {"PORT": layout.web_port, "FLOWER_PORT": layout.flower_port, "KUBE_PORT": layout.kube_port}
    for name, port in named.items():
        if not _is_free(port):
            raise CannotStart(
                f"Port {port} is in use: stop what listens there, or choose another with {name}=... (0 picks a free one)."
            )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 -- the largest port there is
        raise CannotStart(f"{name} must be a port number, not {text!r}.")
    return int(text) or _free_port()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
