import socket

import pytest
from django.core import mail
from pytest_django import Settings

from dbaas.core.mail import send_mail

LETTER = {"to": "bob@example.com", "subject": "Join", "body": "Welcome."}


def test_a_letter_is_sent() -> None:
    assert send_mail(**LETTER)

    assert (mail.outbox[0].to, mail.outbox[0].subject, mail.outbox[0].body) == (["bob@example.com"], "Join", "Welcome.")


def test_without_a_server_none_is_sent(settings: Settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""

    assert not send_mail(**LETTER)


def test_a_server_that_does_not_answer_fails_nothing(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]

        assert not send_mail(**LETTER)

    assert "Welcome" not in caplog.text
