"""The decisions that an operator can take about operations that are stuck: each conditional, audited, and told to the operator."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest

from accounts import audit
from accounts.actor import actor_from
from dbaas.core.db import atomic
from provisioning.models import Operation
from provisioning.services.control import resume
from provisioning.services.deciding import abandon, skip
from provisioning.services.refusals import NotSkippable, NotStuck

LONGEST_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One thing that can be decided."""

    name: str
    """Of the admin's action."""
    title: str
    means: str
    """What it does, for whoever is about to decide."""
    audited_as: str
    done: str
    """Ends the sentence that begins with the operation."""
    carry_out: Callable[..., None]


RETRY = Decision(
    name="retry",
    title="Retry",
    means="The operation goes on at its step, with fresh tries and fresh deadlines.",
    audited_as="operation.retried",
    done="goes on at its step.",
    carry_out=resume,
)
SKIP = Decision(
    name="skip",
    title="Skip the step",
    means="The step counts as done although it was not carried out; the operation goes on with the next one. Do so only after the"
    " step's work was done by hand, or is not needed.",
    audited_as="operation.step_skipped",
    done="goes on after the step.",
    carry_out=skip,
)
ABANDON = Decision(
    name="abandon",
    title="Abandon",
    means="What the operation did is undone, if it can be. Past its point of no return, or where undoing has failed, it ends as failed"
    " and what it left in the cluster stays: the database is free for the next operation.",
    audited_as="operation.abandoned",
    done="is given up.",
    carry_out=abandon,
)


def carry_out(decision: Decision, request: HttpRequest, operations: Iterable[Operation], *, reason: str) -> None:
    """Apply the decision to each operation that is stuck, put it on record, and tell the operator what became of each."""
    actor = actor_from(request)
    said = f"{decision.title} by operator {actor.email}{f': {reason}' if reason else '.'}"
    for operation in operations:
        try:
            with atomic():
                decision.carry_out(operation, why=said)
                audit.record(
                    actor,
                    action=decision.audited_as,
                    object_type="operation",
                    object_id=operation.id,
                    tenant_id=operation.tenant_id,
                    detail={"step": operation.step, "reason": reason},
                )
        except NotStuck:
            messages.warning(request, f"{operation} is {operation.state}, not stuck: it was left alone.")
        except NotSkippable as refusal:
            messages.warning(request, f"{operation}: {refusal.detail}")
        else:
            messages.success(request, f"{operation} {decision.done}")
