"""That a refusal becomes the one error that says what to do about it, and that nothing a stranger sends is passed on."""

import json
from datetime import timedelta
from typing import Any

import pytest

from dbaas.core.errors import Permanent, Transient
from provisioning.cluster.errors import (
    AlreadyExists,
    ClusterBusy,
    ClusterConflict,
    ClusterForbids,
    ClusterLogin,
    ClusterRefuses,
    ClusterUnavailable,
    ObjectMissing,
    VersionExpired,
    error_from,
)


def refused(code: int, *, headers: dict[str, str] | None = None, **status: Any) -> Permanent | Transient:
    body = json.dumps({"kind": "Status", "code": code, **status}).encode()
    return error_from(code, "Phrase", body, headers or {}, "reading it")


@pytest.mark.parametrize(
    ("code", "reason", "expected"),
    [
        (400, "BadRequest", ClusterRefuses),
        (401, "Unauthorized", ClusterLogin),
        (403, "Forbidden", ClusterForbids),
        (404, "NotFound", ObjectMissing),
        (405, "MethodNotAllowed", ClusterRefuses),
        (409, "AlreadyExists", AlreadyExists),
        (409, "Conflict", ClusterConflict),
        (410, "Gone", VersionExpired),
        (413, "RequestEntityTooLarge", ClusterRefuses),
        (422, "Invalid", ClusterRefuses),
        (429, "TooManyRequests", ClusterBusy),
        (500, "InternalError", ClusterUnavailable),
        (503, "ServiceUnavailable", ClusterUnavailable),
        (504, "Timeout", ClusterUnavailable),
    ],
)
def test_that_a_refusal_has_its_class(code: int, reason: str, expected: type[Permanent | Transient]) -> None:
    assert type(refused(code, reason=reason)) is expected


@pytest.mark.parametrize("body", [b"", b"<html>canary</html>", b'"canary"', b'{"message": "canary"}', b"\xff\xfe"])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, ClusterLogin),
        (429, ClusterBusy),
        *((code, ClusterUnavailable) for code in (302, 400, 403, 404, 409, 410, 422, 502)),
    ],
)
def test_that_who_does_not_speak_kubernetes_decides_nothing(
    code: int, body: bytes, expected: type[Permanent | Transient]
) -> None:
    error = error_from(code, "Phrase", body, {}, "reading it")

    assert type(error) is expected
    assert error.detail == "reading it: Phrase"


def test_that_the_message_is_kept_to_a_length() -> None:
    assert len(refused(422, message="x" * 5000).detail) == len("reading it: ") + 1000


@pytest.mark.parametrize(("phrase", "detail"), [("Phrase", "Phrase"), ("", "no reason given")])
def test_that_a_refusal_without_a_message_still_says_something(phrase: str, detail: str) -> None:
    error = error_from(422, phrase, b'{"kind": "Status"}', {}, "reading it")

    assert error.detail == f"reading it: {detail}"


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), ("0", 0), ("86400", 300), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)]
)
def test_that_a_wait_is_read_and_bounded(text: str, seconds: int | None) -> None:
    error = refused(429, headers={"Retry-After": text})

    assert isinstance(error, Transient)
    assert error.retry_after == (None if seconds is None else timedelta(seconds=seconds))
