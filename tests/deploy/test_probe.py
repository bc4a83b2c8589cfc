"""Tests of the containers' health check against a real web server."""

import json
import runpy
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.deploy.commands import ROOT


class Health(BaseHTTPRequestHandler):
    """Answers like the product with one failed check, and with 503 under /down."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
        checks = {"dispatcher": {"status": "ok"}, "clusters": {"status": "failed"}}
        self.wfile.write(b"OK" if self.path == "/text" else json.dumps({"checks": checks}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["/"], 0),
        (["/text"], 0),
        (["/down"], 1),
        (["/", "dispatcher"], 0),
        (["/", "clusters"], 1),
        (["/", "unheard_of"], 1),
        (["/text", "dispatcher"], 1),
        (["/", "dispatcher", "clusters"], 2),
    ],
)
def test_that_the_exit_code_says_how_it_is(
    address: str, words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = runpy.run_path(str(ROOT / "deploy/docker/probe.py"))

    assert probe["main"]([address + words[0], *words[1:]]) == code
    assert (capsys.readouterr().err != "") is (code != 0)
