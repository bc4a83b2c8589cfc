"""What this application adds to /health/ready. It is not required: without it messages only arrive later."""

from datetime import timedelta

from dbaas.core.clock import SYSTEM_CLOCK
from dbaas.health.checks import register
from webhooks.dispatching import oldest_due_age

BEHIND_AFTER = timedelta(minutes=5)
"""Longer than a lost message costs; a webhook that fails does not count, because its next try is not due."""


class WebhooksBehind(Exception):
    """Messages that are due wait for too long: no worker takes the queue `webhooks`, or more are needed."""


def require_prompt_messages() -> None:
    """Check that what is due is sent.

    Raises: WebhooksBehind.
    """
    age = oldest_due_age(now=SYSTEM_CLOCK.now())
    if age > BEHIND_AFTER:
        raise WebhooksBehind(f"{WebhooksBehind.__doc__} The oldest has waited for {age.total_seconds():.0f} s.")


def register_checks() -> None:
    """Add the check; called once, when the application is ready."""
    register("webhooks", require_prompt_messages, required=False)
