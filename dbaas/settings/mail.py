"""How mail is sent: EMAIL_URL names the server, as smtp://user:password@host:587 (STARTTLS), smtps://host:465 (TLS) or console: (into the log)."""

from typing import Any
from urllib.parse import unquote, urlsplit

from dbaas.settings.env import Environment

_TIMEOUT_SECONDS = 10
_HERE = ("127.0.0.1", "localhost", "::1")
"""A relay on this machine needs no TLS, and mostly has none."""
_PORTS = {"smtp": 587, "smtps": 465}


def mail_from(environment: Environment) -> dict[str, Any]:
    """Return Django's settings for mail; without EMAIL_URL there is no server, and none is sent."""
    url = urlsplit(environment.email_url)
    backend = "console" if url.scheme == "console" else "smtp"
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{backend}.EmailBackend",
        "EMAIL_HOST": url.hostname or "",
        "EMAIL_PORT": url.port or _PORTS.get(url.scheme, 0),
        "EMAIL_HOST_USER": unquote(url.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(url.password or ""),
        "EMAIL_USE_TLS": url.scheme == "smtp" and url.hostname not in _HERE,
        "EMAIL_USE_SSL": url.scheme == "smtps",
        "EMAIL_TIMEOUT": _TIMEOUT_SECONDS,
        "DEFAULT_FROM_EMAIL": environment.mail_from,
    }
