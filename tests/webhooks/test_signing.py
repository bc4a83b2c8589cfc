"""That messages are signed as Standard Webhooks has it, which its own library confirms, and that a changed one is not taken for ours."""

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from webhooks.signing import new_secret, signed_headers

BODY = '{"type":"operation.failed","message":"é"}'


def now() -> datetime:
    return datetime.now(tz=UTC)


def headers_of(*secrets: str, at: datetime | None = None, body: str = BODY) -> dict[str, str]:
    return signed_headers(secrets, message_id="01980a71", at=at or now(), body=body.encode())


def test_that_the_specification_s_own_library_takes_it() -> None:
    secret = new_secret()

    assert Webhook(secret).verify(BODY, headers_of(secret))["type"] == "operation.failed"


def test_that_either_secret_does_while_they_are_changed() -> None:
    new, old = new_secret(), new_secret()
    headers = headers_of(new, old)

    assert len(headers["webhook-signature"].split()) == 2
    assert Webhook(new).verify(BODY, headers) == Webhook(old).verify(BODY, headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_that_a_changed_header_is_refused(name: str) -> None:
    secret = new_secret()
    headers = headers_of(secret)
    changed = f"{headers[name][:-1]}{(int(headers[name][-1]) + 1) % 10}"

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, {**headers, name: changed})


def test_that_a_changed_body_is_refused() -> None:
    secret = new_secret()

    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY.replace("failed", "succeeded"), headers_of(secret))


def test_that_an_old_message_is_refused() -> None:
    secret = new_secret()

    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(secret).verify(BODY, headers_of(secret, at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_that_the_example_of_the_specification_comes_out() -> None:
    """Source: the test data of the reference libraries."""
    headers = signed_headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, tz=UTC),
        body=b'{"test": 2432232314}',
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_that_secrets_are_random_and_long_enough() -> None:
    secrets = {new_secret() for _ in range(20)}

    assert len(secrets) == 20
    assert all(24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64 for secret in secrets)
