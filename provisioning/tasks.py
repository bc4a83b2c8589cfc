"""The Celery tasks: an interface like HTTP. Each loads by id, calls one thing, and is done; none returns anything."""

from typing import Any
from uuid import UUID

from celery import shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from accounts import login_limits, passwords, sessions
from accounts.trail.retention import remove_older_than
from accounts.trail.sealing import log_heads, seal_all
from dbaas.core.clock import SYSTEM_CLOCK
from provisioning.advance import advance as advance_operation
from provisioning.audits import audit_all_quotas, forget_old_keys
from provisioning.dispatch import ADVANCE, wake
from provisioning.dispatching import dispatch_due as dispatch_due_operations
from provisioning.heartbeats import WORKER
from provisioning.models import Heartbeat
from provisioning.reaper import compare_all_clusters
from provisioning.upkeep import look_after_all
from webhooks.tasks import dispatch_due as dispatch_due_webhooks


@shared_task(name=ADVANCE)
def advance(operation_id: str, **_later_arguments: Any) -> None:
    """Drive one operation as far as it goes now; a duplicate or late message finds nothing to do."""
    advance_operation(UUID(operation_id), ends_worker=(SoftTimeLimitExceeded,))


@shared_task(name="provisioning.dispatch_due")
def dispatch_due(**_later_arguments: Any) -> None:
    """Nudge the queue for everything that is due, operations first."""
    dispatch_due_operations(now=SYSTEM_CLOCK.now(), send=wake)
    dispatch_due_webhooks()


@shared_task(name="provisioning.look_after")
def look_after(**_later_arguments: Any) -> None:
    """Look after backups, schedules and databases whose end has come."""
    look_after_all()


@shared_task(name="provisioning.pulse")
def pulse(**_later_arguments: Any) -> None:
    """Write down that a worker works: that this was completed shows it."""
    Heartbeat.beat(WORKER, now=SYSTEM_CLOCK.now())


@shared_task(name="provisioning.reap")
def reap(**_later_arguments: Any) -> None:
    """Compare the ledger with what is in the clusters, and drop what has expired: idempotency keys, sessions, counts of wrong passwords."""
    compare_all_clusters()
    now = SYSTEM_CLOCK.now()
    forget_old_keys(now=now)
    login_limits.forget_old(now=now)
    sessions.forget_expired(now=now)
    passwords.forget_expired(now=now)


@shared_task(name="provisioning.audit_quotas")
def audit_quotas(**_later_arguments: Any) -> None:
    """Recompute every tenant's use from its databases and call out any difference."""
    audit_all_quotas()


@shared_task(name="provisioning.seal_audit_trail")
def seal_audit_trail(**_later_arguments: Any) -> None:
    """Link the audit events of the last seconds into their chains."""
    seal_all()


@shared_task(name="provisioning.send_letters")
def send_letters(**_later_arguments: Any) -> None:
    """Send the letters that people asked for to choose a new password."""
    passwords.send_letters()


@shared_task(name="provisioning.keep_audit_trail")
def keep_audit_trail(**_later_arguments: Any) -> None:
    """Forget audit events whose time is over, if it ever is, and write the chains' heads to the log."""
    if settings.AUDIT_RETENTION:
        remove_older_than(settings.AUDIT_RETENTION, now=SYSTEM_CLOCK.now())
    log_heads()
