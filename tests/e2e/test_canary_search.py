"""That the search for secrets finds them however they are wrapped: a search that finds nothing must mean that there is nothing."""

import base64
import json

import httpx
import pytest

from tests.e2e.canary import Answers, leaks_in

SECRET = 'canary-ä+/"secret-of-a-run'


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, bytes, lambda raw: raw.hex().encode()])
def test_that_it_is_found_inside_whatever_was_encoded(before: str, after: str, encode: object) -> None:
    assert callable(encode)

    assert leaks_in(encode(f"{before}{SECRET}{after}".encode()), {"secret": SECRET}) == ["secret"]


def test_that_it_is_found_in_json() -> None:
    assert leaks_in(json.dumps({"x": [SECRET]}).encode(), {"secret": SECRET}) == ["secret"]


def test_that_what_is_not_there_is_not_found() -> None:
    assert leaks_in(b"canary-of-another-run" * 100, {"secret": SECRET}) == []


def test_that_a_short_secret_is_no_marker() -> None:
    with pytest.raises(AssertionError, match="too short"):
        leaks_in(b"", {"secret": "short"})


def test_that_an_answer_that_is_not_meant_to_hold_it_is_found() -> None:
    answers = Answers()
    for path, headers, text in (("/login", {}, SECRET), ("/other", {}, SECRET), ("/third", {"X": "canary-header"}, "")):
        answers.keep(httpx.Response(200, headers=headers, text=text, request=httpx.Request("GET", f"http://x{path}")))

    found = answers.leaks({"secret": SECRET, "header": "canary-header"}, meant={"secret": "/login"})

    assert found == ["GET /other holds secret", "GET /third holds header"]
