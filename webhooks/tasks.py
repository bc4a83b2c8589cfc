"""The Celery tasks: an interface like HTTP. Each loads by id, calls one thing, and is done; none returns anything."""

from typing import Any
from uuid import UUID

from celery import current_app, shared_task

from dbaas.core.clock import SYSTEM_CLOCK
from webhooks import dispatching, sending

DELIVER = "webhooks.deliver"
_EXPIRES_SECONDS = 120


@shared_task(name=DELIVER)
def deliver(delivery_id: str, **_later_arguments: Any) -> None:
    """Try one delivery once; a duplicate or late message finds nothing to do."""
    sending.deliver(UUID(delivery_id))


@shared_task(name="webhooks.forget")
def forget(**_later_arguments: Any) -> None:
    """Remove what is older than the settings keep it."""
    dispatching.forget_old(now=SYSTEM_CLOCK.now())


def dispatch_due() -> None:
    """Nudge the queue for everything that is due. No task of its own: the dispatcher's tick does it along, which costs one query a second."""
    dispatching.dispatch_due(now=SYSTEM_CLOCK.now(), send=_nudge)


def _nudge(delivery_id: UUID) -> None:
    current_app.send_task(DELIVER, args=[str(delivery_id)], expires=_EXPIRES_SECONDS)
