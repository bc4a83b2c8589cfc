"""Which OpsRequest of a database is next, and which are passed over: pure, as KubeDB decides it."""

from collections.abc import Sequence
from dataclasses import dataclass

from devcluster.operator.ops.request import Request, RequestPhase

RECONFIGURE = "Reconfigure"
MERGED_FROM_ANNOTATION = "ops.kubedb.com/merged-from"


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What is to be done about the live requests of one database."""

    next: Request | None
    """The one to carry out, or to go on with."""
    waiting: tuple[Request, ...]
    passed_over: tuple[tuple[Request, Request], ...]
    """Requests that a newer one of the same type replaces, each with the newer one."""
    merge: tuple[Request, ...]
    """Reconfigures that have to become one, oldest first."""
    merged: tuple[tuple[Request, Request], ...]
    """Reconfigures that have become part of another, each with that other."""


def take_turns(requests: Sequence[Request]) -> Turn:
    """Decide from all live requests of one database."""
    ordered = sorted(requests, key=lambda request: request.age)
    progressing = [request for request in ordered if request.phase == RequestPhase.PROGRESSING]
    pending = [request for request in ordered if request.phase != RequestPhase.PROGRESSING]
    merged = _merged(pending)
    gone = {original.uid for original, _ in merged}
    pending = [request for request in pending if request.uid not in gone]
    newest = {request.type: request for request in pending}
    reconfigures = [request for request in pending if request.type == RECONFIGURE]
    passed_over = [
        (request, newest[request.type])
        for request in pending
        if request.type != RECONFIGURE and newest[request.type] is not request
    ]
    survivors = [request for request in pending if newest[request.type] is request]
    chosen = next(iter([*progressing, *survivors]), None)
    return Turn(
        next=chosen,
        waiting=tuple(request for request in [*progressing, *survivors] if request is not chosen),
        passed_over=tuple(passed_over),
        merge=tuple(reconfigures) if len(reconfigures) > 1 else (),
        merged=tuple(merged),
    )


def _merged(pending: Sequence[Request]) -> list[tuple[Request, Request]]:
    """Find what an operator that was killed while merging has still to pass over."""
    found = []
    for request in pending:
        annotations = request.body["metadata"].get("annotations") or {}
        names = str(annotations.get(MERGED_FROM_ANNOTATION, "")).split(",")
        found += [(original, request) for original in pending if original.name in names]
    return found
