"""A server that says word for word what a test tells it to: for what no well-behaved API server would ever answer."""

import json
import socket
import threading
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

HANG = b"<hang>"
"""At the end of an answer, or in place of one: say nothing more, and leave the connection open."""


@dataclass(frozen=True)
class Heard:
    """One request as it came in."""

    verb: str
    target: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, body: bytes | dict[str, Any] = b"", *, missing_bytes: int = 0, **headers: str) -> bytes:
    """Return an HTTP answer; with `missing_bytes` it promises more than it sends."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Length: {len(content) + missing_bytes}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + content


def status_body(code: int, reason: str, message: str = "") -> dict[str, Any]:
    """Return the `Status` object with which Kubernetes refuses."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }


class Listener:
    """Gives its answers in order, the last one again and again, and remembers what it heard."""

    def __init__(self, folder: Path) -> None:
        self.answers: list[bytes] = [answer(HTTPStatus.OK, {})]
        self.heard: list[Heard] = []
        self.kubeconfig = folder / "listener-kubeconfig"
        self._folder = folder
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def write_kubeconfig(self, *, token: str = "first-token", scheme: str = "http") -> str:  # noqa: S107 -- guards nothing
        """Write a kubeconfig that leads here, and return its path."""
        cluster = {"server": f"{scheme}://{self.address}"}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        }
        self.kubeconfig.write_text(json.dumps(document))
        return str(self.kubeconfig)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(timeout=5)
        for connection in self._open:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(5)
            request = _read(connection)
            said = self.answers[min(len(self.heard), len(self.answers) - 1)]
            self.heard.append(request)
            connection.sendall(said.removesuffix(HANG))
            if said.endswith(HANG):
                self._open.append(connection)
            else:
                connection.close()


def _read(connection: socket.socket) -> Heard:
    raw = b""
    while b"\r\n\r\n" not in raw:
        chunk = connection.recv(65536)
        if not chunk:
            return Heard("", "", {}, raw)
        raw += chunk
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    verb, _, target = first.partition(" ")
    return Heard(verb, target.rpartition(" ")[0], headers, body)
