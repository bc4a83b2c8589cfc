"""Poke the queue: one message by task name, bounded in time, and never a reason for anything to fail.

The message is only a nudge that carries an id. If it is lost, the dispatcher's next tick sends another (docs/decisions/0002).
"""

import logging
import time
from uuid import UUID

from celery import current_app

logger = logging.getLogger(__name__)

ADVANCE = "provisioning.advance"
"""Sent by name, so that services need not import tasks; a test asserts that a task of this name is registered."""

_QUIET_AFTER_FAILURE_SECONDS = 5.0
"""A dead broker costs one request half a second, not every request: for this long we do not even try."""


class _Broker:
    """What this process last learned about the broker."""

    def __init__(self) -> None:
        self.quiet_until = 0.0


_broker = _Broker()


def wake(operation_id: UUID) -> bool:
    """Ask some worker to take the operation on now; False where the broker did not take the message, which delays it by a tick."""
    if time.monotonic() < _broker.quiet_until:
        return False
    try:
        current_app.send_task(ADVANCE, args=[str(operation_id)], expires=60)
    except Exception as error:  # noqa: BLE001 -- kombu passes on whatever the transport raises; the row is due whatever it is
        _broker.quiet_until = time.monotonic() + _QUIET_AFTER_FAILURE_SECONDS
        logger.warning("the broker took no message (%s); the dispatcher will send it", type(error).__name__)
        return False
    return True


def require_broker() -> None:
    """Check that the broker answers (opening a connection to Redis asks it); takes a second at most.

    Raises: whatever the transport raises.
    """
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
