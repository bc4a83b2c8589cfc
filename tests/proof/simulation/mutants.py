"""Mutants: the real code with one protection taken out. The simulation must catch each of them, or it proves nothing.

A mutant is an edit of a function's own source: where the text is no longer there, the mutant is out of date and says so.
"""

import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from provisioning import (
    advance,
    dispatching,
    lease,
    making,
    reaper,
    settlement,
)
from provisioning.cluster.client import Gateway
from provisioning.run import Run
from provisioning.services import acceptance, deciding, ordering
from provisioning.workflow.declare import Workflow
from tests.proof.simulation.memory import Memory

_INDEX = "one_active_operation_per_database"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Another text in the source of one function."""

    of: Callable[..., Any]
    instead_of: str
    put: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One protection less."""

    name: str
    edits: tuple[Edit, ...]
    profiles: tuple[str, ...] = ("hot-key", "crash-storm", "in-flight", "clock-jumps", "uniform")
    """Where it is looked for, the best one first; all take turns."""
    seen_in: str = ""
    """The schedule in which it was seen last, such as `uniform:5004`: tried first, so that only a changed product is hunted anew."""
    equivalent: str = ""
    """Why nothing can see it; empty: it must be caught."""
    without_index: bool = False
    """The metadata database does not know the rule either."""


class OutOfDate(LookupError):
    """The source that a mutant edits reads differently now: adapt the mutant."""


@contextmanager
def living(mutant: Mutant, memory: Memory) -> Iterator[None]:
    """Let the product run with this protection taken out inside the block."""
    with ExitStack() as stack:
        for edit in mutant.edits:
            stack.enter_context(_edited(edit))
        if mutant.without_index:
            stack.enter_context(_index_dropped(memory))
        yield


@contextmanager
def _edited(edit: Edit) -> Iterator[None]:
    function = edit.of
    assert isinstance(function, FunctionType)
    before = function.__code__
    function.__code__ = _code(function, edit, _SOURCES.get(before) or inspect.getsource(before))
    try:
        yield
    finally:
        function.__code__ = before


def _code(function: FunctionType, edit: Edit, source: str) -> Any:
    """Compile the function anew with the edit, so that whoever imported it has it too."""
    text = textwrap.dedent(source)
    if edit.instead_of not in text:
        raise OutOfDate(f"{function.__module__}.{function.__qualname__} no longer says {edit.instead_of!r}")
    changed = text.replace(edit.instead_of, edit.put)
    made: dict[str, Any] = {}
    exec(compile(changed, "<mutant>", "exec"), dict(vars(sys.modules[function.__module__])), made)  # noqa: S102 -- our own source
    code = made[function.__name__].__code__
    _SOURCES[code] = changed
    return code


_SOURCES: dict[Any, str] = {}
"""Of edited code, so that it can be edited again."""


@contextmanager
def _index_dropped(memory: Memory) -> Iterator[None]:
    ((statement,),) = memory.read("SELECT sql FROM sqlite_master WHERE name = ?", _INDEX)
    memory.write(f"DROP INDEX {_INDEX}")
    try:
        yield
    finally:
        memory.become({})
        memory.write(statement)


MUTANTS = (
    Mutant(
        name="no fencing token",
        seen_in="crash-storm:5011",
        edits=(
            Edit(of=lease._mine, instead_of=", lease_token=claim.token", put=""),
            Edit(of=lease.renewed, instead_of="if operation.lease_token != claim.token:", put="if False:"),
        ),
    ),
    Mutant(
        name="no adoption of what an earlier try made",
        seen_in="crash-storm:5007",
        edits=(Edit(of=Run.create, instead_of="made = self._adopt(ref)", put="raise NameConflict(str(ref))"),),
        profiles=("uniform", "crash-storm"),
    ),
    Mutant(
        name="no sweep by the dispatcher",
        seen_in="clock-jumps:5003",
        edits=(Edit(of=dispatching.dispatch_due, instead_of="in _fair_share(now)", put="in ()"),),
    ),
    Mutant(
        name="no from-state guard",
        seen_in="uniform:5004",
        edits=(
            Edit(
                of=acceptance.take_database,
                instead_of="state__in=[str(state) for state in workflow.starts_from]",
                put="",
            ),
        ),
    ),
    Mutant(
        name="no reaper",
        seen_in="clock-jumps:5851",
        edits=(Edit(of=reaper._is_leak, instead_of="return ended and", put="return False and"),),
        profiles=("in-flight", "clock-jumps"),
    ),
    Mutant(
        name="no idempotency key",
        seen_in="uniform:5106",
        edits=(
            Edit(of=acceptance.replay, instead_of="if idempotency.key is None:", put="if True:"),
            Edit(of=acceptance.operation_row, instead_of="idempotency_key=idempotency.key", put="idempotency_key=None"),
        ),
        profiles=("uniform", "crash-storm"),
    ),
    Mutant(
        name="quota read, compared, written",
        seen_in="crowd:5000",
        edits=(
            Edit(
                of=ordering.order_database,
                instead_of="    try:\n        with atomic():",
                put="    from tenants.models import Quota\n    seen = Quota.objects.get(tenant_id=tenant_id)\n"
                "    try:\n        with atomic():",
            ),
            Edit(
                of=ordering.order_database,
                instead_of="reserve(tenant_id, reserved(database))",
                put="Quota.objects.filter(pk=seen.pk).update(**{f'used_{name}': getattr(seen, f'used_{name}') + amount"
                " for name, amount in reserved(database).asked().items()})",
            ),
        ),
        profiles=("crowd",),
    ),
    Mutant(
        name="no look at the lease before a write",
        seen_in="clock-jumps:5002",
        edits=(
            Edit(of=lease.Claim.may_take_effect, instead_of="return self.age() < LAST_EFFECT_AFTER", put="return True"),
        ),
        profiles=("clock-jumps", "in-flight"),
    ),
    Mutant(
        name="no resourceVersion in changes",
        seen_in="in-flight:5070",
        edits=(
            Edit(
                of=Gateway.merge,
                instead_of='query = {"fieldManager"',
                put='change = {**change, "metadata": {name: value for name, value in change.get("metadata", {}).items()'
                ' if name != "resourceVersion"}}\n    query = {"fieldManager"',
            ),
        ),
        profiles=("in-flight",),
    ),
    Mutant(
        name="names made by chance",
        seen_in="crowd:5000",
        edits=(
            Edit(
                of=making.create_database,
                instead_of="    made = run.create(body)",
                put='    body["metadata"]["name"] += f"-{run.claim.token}"\n    made = run.create(body)',
            ),
        ),
        profiles=("crowd", "crash-storm"),
    ),
    Mutant(
        name="no rule of one operation per database",
        seen_in="hot-key:5000",
        edits=(
            Edit(
                of=acceptance.take_database,
                instead_of=", active_operation_id=None, state__in=[str(state) for state in workflow.starts_from]",
                put="",
            ),
        ),
        without_index=True,
    ),
    Mutant(
        name="wake-ups lost in a nap",
        seen_in="uniform:5014",
        edits=(Edit(of=lease.nap, instead_of=".filter(wake_seq=claim.wake_seq)", put=""),),
    ),
    Mutant(
        name="a claim that takes what is leased",
        seen_in="hot-key:5000",
        edits=(
            Edit(
                of=lease.claim,
                instead_of=".filter(Q(lease_until=None) | Q(lease_until__lt=now - CLOCK_SKEW))",
                put="",
            ),
            Edit(of=lease.claim, instead_of="next_run_at=now + LEASE + CLOCK_SKEW,", put=""),
        ),
    ),
    Mutant(
        name="the ledger after the creation",
        seen_in="hot-key:5000",
        edits=(Edit(of=Run.create, instead_of="    self._enter_in_ledger(ref)\n", put=""),),
    ),
    Mutant(
        name="a cancel past the point of no return",
        seen_in="hot-key:5045",
        edits=(Edit(of=Workflow.is_past_return, instead_of="return any(", put="return False and any("),),
    ),
    Mutant(
        name="a save in pieces",
        seen_in="crash-storm:5000",
        edits=(Edit(of=advance._save, instead_of="with atomic():", put="if True:"),),
        profiles=("crash-storm",),
    ),
    Mutant(
        name="an order in pieces",
        seen_in="crash-storm:5005",
        edits=(Edit(of=ordering.order_database, instead_of="with atomic():", put="if True:"),),
        profiles=("uniform", "crash-storm"),
    ),
    Mutant(
        name="an operation given up and not settled",
        seen_in="stuck:5007",
        edits=(
            Edit(
                of=deciding._end,
                instead_of="follower: UUID | None = settle(operation, workflow, outcome, now)",
                put="follower = None",
            ),
        ),
        profiles=("stuck",),
    ),
    Mutant(
        name="a claim that leaves the operation due",
        edits=(Edit(of=lease.claim, instead_of="next_run_at=now + LEASE + CLOCK_SKEW,", put=""),),
        equivalent="The lease alone keeps others out; the later date only spares them the look.",
    ),
    Mutant(
        name="a deletion without the uid",
        edits=(Edit(of=Gateway.delete, instead_of='"preconditions": {"uid": uid}, ', put=""),),
        equivalent="Every name is made from an id that is used once, so that nothing else ever has it.",
    ),
    Mutant(
        name="a settlement of a database that another operation has",
        edits=(Edit(of=settlement.settle, instead_of=", active_operation_id=operation.id", put=""),),
        equivalent="Only who holds the lease gets so far, and what was ended in its favour cannot be saved again.",
    ),
    Mutant(
        name="no stamp on what was sent",
        edits=(
            Edit(
                of=dispatching._stamp,
                instead_of="return bool(free.update(dispatch_after=now + pause))",
                put="return True",
            ),
        ),
        equivalent="The stamp spares the queue repetitions; a repeated message finds the lease taken.",
    ),
)
