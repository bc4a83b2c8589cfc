"""That what looks like a credential is taken out of text, and that ordinary text stays readable."""

import json
import time

import pytest

from dbaas.core.redaction import names_secret, redact, without_secrets

CANARY = "C4nary-pa55"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://bob:{CANARY}@db.shop.svc:5432/postgres",
        f"cannot reach redis://:{CANARY}@127.0.0.1:6379/0: timed out",
        f"mongodb+srv://bob:{CANARY}@h/x?retryWrites=true",
        f"amqp://bob:one@{CANARY}@host",
        f"Authorization: Bearer {CANARY}",
        f"authorization=bearer {CANARY}",
        "Authorization: Basic Ym9iOkM0bmFyeS1wYTU1",
        f"X-API-Key: dbk_0193abcd_{CANARY}",
        f"the key dbk_0193abcd_{CANARY} is unknown",
        f"token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{CANARY}",
        f"password={CANARY}",
        f"PGPASSWORD={CANARY} psql",
        f"passwd: {CANARY}",
        f"password = '{CANARY} with spaces'",
        f'password="{CANARY}, and more"',
        f'{{"password": "{CANARY}"}}',
        f'{{"password": "two words {CANARY}"}}',
        f'{{"password": "a,b}}{CANARY}"}}',
        json.dumps({"password": f'a"b{CANARY}'}),
        json.dumps({"body": json.dumps({"password": f"x {CANARY}"})}),
        f"{{'password': '{CANARY}'}}",
        f'{{"password": "cut off in the middle of {CANARY}',
        f'{{"access_token": "{CANARY}", "refreshToken": "{CANARY}"}}',
        f"client_secret={CANARY}&grant_type=password",
        f"https://host/path?api_key={CANARY}&page=2",
        f"api-key: {CANARY}",
        f"secret_key={CANARY}",
        f"jwt_signing_key='{CANARY}'",
        f"api_key_pepper={CANARY}",
        f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    ],
)
def test_that_a_secret_vanishes(text: str) -> None:
    left = redact(text)

    assert CANARY not in left
    assert "C4nary" not in left
    assert "Ym9i" not in left
    assert "***" in left


@pytest.mark.parametrize(
    "text",
    [
        "creating Postgres shop/pg-abc: admission webhook denied the request",
        "The password is too short.",
        "this uses basic authentication over TLS",
        "a bearer of good news",
        "http://127.0.0.1:8000/users/bob@example.com",
        "https://kubernetes.default.svc:443/api/v1/secrets/pg-auth",
        "reading Secret shop/pg-auth: no answer (ReadTimeoutError).",
        "sent to bob@example.com at 12:30:15",
        "spec.authSecret.name must be set",
        "token_type is bearer",
        "SELECT tokens FROM page",
        "0193a1b2-0000-7000-8000-000000000000",
        "",
    ],
)
def test_that_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


def test_that_what_stands_around_a_secret_stays() -> None:
    text = f"cannot reach postgresql://bob:{CANARY}@db/x?sslmode=disable: token={CANARY}&page=2 refused"

    assert redact(text) == "cannot reach postgresql://bob:***@db/x?sslmode=disable: token=***&page=2 refused"


@pytest.mark.parametrize("name", ["password", "DB_PASSWORD", "access_token", "refreshToken", "apiKey", "tokens"])
def test_that_names_of_secrets_are_known(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["token_type", "secret_name", "passwordless", "key", "user", ""])
def test_that_other_names_are_not(name: str) -> None:
    assert not names_secret(name)


def test_that_text_that_is_stored_is_cut() -> None:
    assert len(redact("x" * 5000)) == 2000
    assert redact("x" * 2000) == "x" * 2000
    assert without_secrets("x" * 5000) == "x" * 5000


def test_that_a_secret_across_the_cut_vanishes_too() -> None:
    assert "hunter" not in redact("x" * 1985 + " password=hunter2-hunter2")


@pytest.mark.parametrize("text", ["password=" * 20_000, "://a:" * 20_000, "eyJ" * 50_000, 'password="' + "\\" * 50_000])
def test_that_no_text_takes_long(text: str) -> None:
    began = time.monotonic()

    redact(text)

    assert time.monotonic() - began < 2
