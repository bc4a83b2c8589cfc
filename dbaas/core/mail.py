"""Send mail, where a server for it is set up. Mail may be lost or late; nothing waits for it, and what it carries can be sent again."""

import structlog
from django.conf import settings
from django.core.mail import EmailMessage

_log = structlog.get_logger(__name__)


def send_mail(*, to: str, subject: str, body: str) -> bool:
    """Send a message of plain text and return whether a server took it. Never call it inside a transaction: a server may take seconds."""
    if not settings.EMAIL_HOST and settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        _log.warning("mail is not set up, so none was sent", subject=subject)
        return False
    try:
        return bool(EmailMessage(subject=subject, body=body, to=[to]).send())
    except OSError as error:  # also what smtplib raises
        _log.warning("mail was not sent", subject=subject, error=type(error).__name__)
        return False
