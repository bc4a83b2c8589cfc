from typing import Any

import pytest

from dbaas.settings.env import read_environment
from dbaas.settings.mail import mail_from

_SECRETS = dict.fromkeys(("secret_key", "jwt_signing_key", "api_key_pepper", "encryption_keys"), "x" * 40)


def settings_for(url: str) -> dict[str, Any]:
    return mail_from(read_environment(**_SECRETS, broker_url="memory://", email_url=url))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", ("smtp", "", 0, "", "", False, False)),
        ("console:", ("console", "", 0, "", "", False, False)),
        ("smtp://u%40x:p%2Fw@mail.example.com", ("smtp", "mail.example.com", 587, "u@x", "p/w", True, False)),
        ("smtp://127.0.0.1:2525", ("smtp", "127.0.0.1", 2525, "", "", False, False)),
        ("smtps://u:p@mail.example.com", ("smtp", "mail.example.com", 465, "u", "p", False, True)),
    ],
)
def test_a_url_says_how_mail_is_sent(url: str, expected: tuple[object, ...]) -> None:
    found = settings_for(url)

    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    backend = found["EMAIL_BACKEND"].split(".")[-2]
    assert (backend, *(found[f"EMAIL_{name}"] for name in names)) == expected
