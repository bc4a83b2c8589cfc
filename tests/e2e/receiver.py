"""A tenant's own system that is told what happens: a small HTTP server on this machine, and what it received."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook


@dataclass(kw_only=True)
class Receiver:
    """Where it listens, what came, and what it answers."""

    url: str = ""
    status: int = 204
    delay_seconds: float = 0.0
    received: list[tuple[dict[str, str], str]] = field(default_factory=list)

    def types(self) -> list[str]:
        """Return the types of what came, in order."""
        return [str(orjson.loads(body)["type"]) for _, body in self.received]

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """Return every message, each of which must be signed with the secret.

        Raises: WebhookVerificationError.
        """
        return [Webhook(secret).verify(body, headers) for headers, body in self.received]


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen until the block ends."""
    found = Receiver()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            found.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(found.delay_seconds)
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        found.url = f"http://127.0.0.1:{server.server_port}/in"
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        yield found
        server.shutdown()
        serving.join()
