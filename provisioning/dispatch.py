"""Poke the queue: one message by task name, bounded in time, and never a reason for anything to fail.

The message is only a nudge that carries an id. If it is lost, the dispatcher's next tick sends another (docs/decisions/0002).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from celery import current_app

from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.counters import PUBLISH_FAILURES

logger = logging.getLogger(__name__)

ADVANCE = "provisioning.advance"
"""Sent by name, so that services need not import tasks; a test asserts that a task of this name is registered."""

_QUIET_AFTER_FAILURE_SECONDS = 5.0
"""A dead broker costs one request half a second, not every request: for this long we do not even try."""


def _publish(operation_id: UUID) -> None:
    current_app.send_task(ADVANCE, args=[str(operation_id)], expires=60)


class _Broker:
    """How this process reaches the broker, and what it last learned about it."""

    def __init__(self) -> None:
        self.publish: Callable[[UUID], None] = _publish
        self.quiet_until = 0.0


_broker = _Broker()


def wake(operation_id: UUID) -> bool:
    """Ask some worker to take the operation on now; False where the broker did not take the message, which delays it by a tick."""
    if SYSTEM_CLOCK.monotonic() < _broker.quiet_until:
        return False
    try:
        _broker.publish(operation_id)
    except Exception as error:  # noqa: BLE001 -- kombu passes on whatever the transport raises; the row is due whatever it is
        PUBLISH_FAILURES.inc()
        _broker.quiet_until = SYSTEM_CLOCK.monotonic() + _QUIET_AFTER_FAILURE_SECONDS
        logger.warning("the broker took no message (%s); the dispatcher will send it", type(error).__name__)
        return False
    return True


def require_broker() -> None:
    """Check that the broker answers (opening a connection to Redis asks it); takes a second at most.

    Raises: whatever the transport raises.
    """
    with current_app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


@contextmanager
def published_by(publish: Callable[[UUID], None]) -> Iterator[None]:
    """Hand every message to `publish` inside this block: a simulation brings a broker of its own."""
    before = _broker.publish, _broker.quiet_until
    _broker.publish, _broker.quiet_until = publish, 0.0
    try:
        yield
    finally:
        _broker.publish, _broker.quiet_until = before
