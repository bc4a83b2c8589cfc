"""A small HTTP server on the loopback address that answers as Prometheus does, word for word as a test says."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


def matrix(*series: tuple[dict[str, str], list[tuple[float, str]]]) -> dict[str, Any]:
    """Return an answer with these series."""
    result = [{"metric": labels, "values": [list(pair) for pair in values]} for labels, values in series]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


class PrometheusServer:
    """Gives each query the answer whose key stands in it, and remembers what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, str]] = []
        self.status = 200
        self.pause_seconds = 0.0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=5)

    def _answer(self, query: str) -> dict[str, Any]:
        return next((said for part, said in self.answers.items() if part in query), matrix())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                server.asked.append({**asked, "path": urlsplit(self.path).path})
                time.sleep(server.pause_seconds)
                content = json.dumps(server._answer(asked["query"])).encode()
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                return

        return Handler
