"""Link audit events into their chains, some seconds after they were written: no request waits for another one's event.

Any number of sealers may run. Each batch moves the chain's head from the value that was read; whoever finds it moved drops the batch. An event whose
transaction commits late is not lost: it gets the next place when it is seen.
"""

from typing import Any

import structlog
from django.db import IntegrityError
from django.db.models import QuerySet

from accounts.models import AuditChain, AuditEvent
from accounts.trail.chain import BEGINNING, digest_of
from dbaas.core.db import atomic

_BATCH = 200
"""Events in one transaction: tens of milliseconds, in which SQLite lets nobody else write."""
_log = structlog.get_logger(__name__)


class _SealedElsewhere(Exception):
    """Another sealer was quicker."""


def seal_all() -> int:
    """Seal every event that is not sealed yet, and return how many were."""
    waiting = AuditEvent.objects.filter(position=None).order_by("chain").values_list("chain", flat=True).distinct()
    return sum(seal(name) for name in list(waiting))


def seal(name: str) -> int:
    """Seal what waits in one chain, and return how many events; stop where another sealer is at work."""
    chain, _ = AuditChain.objects.get_or_create(
        name=name, defaults={"head_digest": BEGINNING, "removed_digest": BEGINNING}
    )
    sealed = 0
    while True:
        try:
            count = _seal_batch(chain)
        except (_SealedElsewhere, IntegrityError):
            return sealed
        sealed += count
        if count < _BATCH:
            return sealed


def log_heads() -> None:
    """Write every chain's head to the log: wherever logs are kept is then a witness outside of the database."""
    for chain in AuditChain.objects.order_by("name"):
        _log.warning("audit head", chain=chain.name, position=chain.head_position, digest=chain.head_digest)


def rows() -> QuerySet[AuditEvent, Any]:
    """Return all events in a form that lets itself be changed; for this package alone, which links and, after their time, removes them."""
    return QuerySet(AuditEvent)


def _seal_batch(chain: AuditChain) -> int:
    position, digest = chain.head_position, chain.head_digest
    with atomic():
        events = list(rows().filter(chain=chain.name, position=None).order_by("id")[:_BATCH])
        for event in events:
            position += 1
            digest = digest_of(event, position=position, after=digest)
            if not rows().filter(id=event.id, position=None).update(position=position, digest=digest):
                raise _SealedElsewhere
        unmoved = AuditChain.objects.filter(name=chain.name, head_position=chain.head_position)
        if events and not unmoved.update(head_position=position, head_digest=digest):
            raise _SealedElsewhere
    chain.head_position, chain.head_digest = position, digest
    return len(events)
