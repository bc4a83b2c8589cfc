"""That the guide's page on webhooks tells what the code does: its examples verify what we sign, its table is the catalogue."""

import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
import pytest

from tests.docs.pages import blocks_of, prose_of, table_in, words_in
from webhooks.catalogue import EVENTS
from webhooks.schedule import AFTER
from webhooks.signing import new_secret, signed_headers
from webhooks.transport import TOTAL_SECONDS

PAGE = "docs/guide/webhooks.md"
BODY = '{"type": "webhook.test", "message": "é"}'.encode()

Verify = Callable[[str, dict[str, str], bytes], None]


def block(language: str) -> str:
    return next(body for words, body in blocks_of(PAGE) if words == language)


def in_python(secret: str, headers: dict[str, str], body: bytes) -> None:
    there: dict[str, Verify] = {}
    exec(block("python"), there)  # noqa: S102 -- the page's own example
    there["verify"](secret, headers, body)


def in_javascript(secret: str, headers: dict[str, str], body: bytes) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js here")
    call = f"verify({', '.join(orjson.dumps(one).decode() for one in (secret, headers, body.decode()))});"
    done = subprocess.run([node, "-e", block("js") + call], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr)


LANGUAGES = pytest.mark.parametrize("verify", [in_python, in_javascript])


def signed(*secrets: str, at: float | None = None) -> dict[str, str]:
    moment = datetime.fromtimestamp(time.time() if at is None else at, tz=UTC)
    return signed_headers(secrets, message_id="01980a71", at=moment, body=BODY)


@LANGUAGES
def test_that_the_example_takes_our_messages(verify: Verify) -> None:
    secret = new_secret()

    verify(secret, signed(secret), BODY)
    verify(secret, signed(new_secret(), secret), BODY)


@LANGUAGES
def test_that_the_example_takes_no_others(verify: Verify) -> None:
    secret = new_secret()

    for headers, body in ((signed(secret), BODY + b" "), (signed(new_secret()), BODY), (signed(secret, at=1e9), BODY)):
        with pytest.raises(ValueError, match=r"not signed by us|too old"):
            verify(secret, headers, body)


def test_that_the_types_are_those_of_the_catalogue() -> None:
    assert {words_in(row[0])[0]: row[1] for row in table_in(PAGE, "type")} == EVENTS


def test_that_the_numbers_are_those_of_the_code() -> None:
    prose = " ".join(prose_of(PAGE).split())
    hours = [f"{int(after.total_seconds() // 3600)}" for after in AFTER[4:]]

    assert f"within {TOTAL_SECONDS:.0f} seconds" in prose
    assert "5 seconds, 5 minutes, half an hour, 2, 5, 10, 14, 20 and 24 hours after the event" in prose
    assert hours == ["2", "5", "10", "14", "20", "24"]
