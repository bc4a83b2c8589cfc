"""Forget audit events after their time: from the front of a chain only, and leaving behind what the rest must link to.

The only way in which events are ever removed. The newest event of a chain stays, and each removal is an event itself.
"""

from datetime import datetime, timedelta

from accounts import audit
from accounts.models import AuditChain
from accounts.trail.sealing import rows
from dbaas.core.db import atomic

_BATCH = 2000
"""Events that one transaction removes at most."""


def remove_older_than(age: timedelta, *, now: datetime) -> int:
    """Remove sealed events that are older, and return how many."""
    return sum(_shorten(chain, before=now - age) for chain in AuditChain.objects.order_by("name"))


def _shorten(chain: AuditChain, *, before: datetime) -> int:
    begin = chain.removed_position
    last = _last_removable(chain, before=before)
    while chain.removed_position < last:
        if not _remove_up_to(chain, min(chain.removed_position + _BATCH, last)):
            break
    return chain.removed_position - begin


def _last_removable(chain: AuditChain, *, before: datetime) -> int:
    """Return the place before the first event that is too young, so that nothing is removed from the middle."""
    kept = rows().filter(chain=chain.name, position__gt=chain.removed_position, at__gte=before).order_by("position")
    first_kept = kept.values_list("position", flat=True).first() or chain.head_position
    return int(first_kept) - 1


def _remove_up_to(chain: AuditChain, position: int) -> bool:
    """Remove one batch; False where somebody else removes from this chain at the same time, or the event to link to is not there."""
    last = rows().filter(chain=chain.name, position=position).first()
    if last is None:
        return False
    unmoved = AuditChain.objects.filter(name=chain.name, removed_position=chain.removed_position)
    with atomic():
        if not unmoved.update(removed_position=position, removed_digest=last.digest):
            return False
        rows().filter(chain=chain.name, position__lte=position).delete()
        audit.record_of_system(
            action="audit_log.shortened",
            object_type="audit_log",
            object_id=chain.name,
            tenant_id=last.tenant_id,
            detail={"from": chain.removed_position + 1, "to": position, "digest": last.digest},
        )
    chain.removed_position = position
    return True
