"""Change a running database through one of KubeDB's OpsRequests: ask, wait until it has begun, follow it to its end, read the result back.

A request is named after the operation, so that asking twice is asking once. Until KubeDB begins it can be withdrawn; from then on it only
ends: KubeDB offers no way back. Source: kubedb/apimachinery apis/ops/v1alpha1/type.go, pkg/lib/skip.go, reconfigure_merger.go.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbaas.core.errors import Permanent
from dbaas.core.ids import short_name
from provisioning.cluster.errors import ClusterForbids, ClusterRefuses
from provisioning.cluster.kinds import Ref, kind_of, ref_of
from provisioning.cluster.ownership import annotations_for, labels_for
from provisioning.engine import Body
from provisioning.models import OperationEvent
from provisioning.observations import last_message
from provisioning.readback import read_back
from provisioning.run import Run
from provisioning.workflow.declare import Fail, TooLate, Wait

API_VERSION = "ops.kubedb.com/v1alpha1"
_NOT_BEGUN = frozenset({"", "Pending", "WaitingForApproval", "Approved"})
_ENDED_BADLY = frozenset({"Failed", "Skipped", "Denied"})
_MERGED = "ConfigurationMerged"
_POD_CONDITION = re.compile(r"CheckPodReady--(?P<pod>.+)")


class RequestGone(Permanent):
    """The OpsRequest that carried the change out was deleted by somebody: look at the database, then retry, which asks again, or abandon."""

    code = "ops_request.gone"


@dataclass(frozen=True, kw_only=True)
class OpsRequest:
    """One change to ask for. `key` tells it from the operation's others."""

    key: str
    type: str
    block: Mapping[str, Any] = field(default_factory=dict)
    """The member of `spec` that this type needs, such as `{"verticalScaling": {...}}`."""
    kind: str = ""
    """Kind of the OpsRequest; empty: the engine's own."""
    target: str = ""
    """Name of the object to change; empty: the database."""
    on_broken: bool = False
    """Begin although the database is not ready: a restart may be what it needs."""


def ask(run: Run, request: OpsRequest) -> Wait | Fail | None:
    """Hand the request in, and wait until KubeDB begins with it; what KubeDB refuses at once changes nothing and fails."""
    ref = ref_of(_body(run, request))
    found = run.find(ref)
    if found is None:
        try:
            found = run.create(_body(run, request))
        except (ClusterForbids, ClusterRefuses) as error:
            run.strike_from_ledger(ref)
            read_back(run)
            return Fail(code="ops_request.refused", detail=error.detail)
    if _phase(found) not in _NOT_BEGUN:
        return None
    return Wait(reason=f"KubeDB has not begun yet: {last_message(found) or 'the request is queued.'}")


def withdraw(run: Run, request: OpsRequest) -> Wait | TooLate | None:
    """Take the request back if KubeDB has not begun; once it has, there is no way back."""
    ref = ref_of(_body(run, request))
    found = run.gateway.get(ref)
    if found is None:
        return run.note_absence(ref)
    if _phase(found) not in _NOT_BEGUN:
        return TooLate(reason="Too late to turn back: KubeDB has begun with the change.")
    run.delete(ref, uid=found["metadata"]["uid"])
    return Wait(reason="The request to KubeDB is being withdrawn.")


def follow(run: Run, request: OpsRequest) -> Wait | Fail | None:
    """Wait for the end of the request, then record what the database has become; a failed one leaves it as KubeDB says it is.

    Raises: RequestGone.
    """
    found = _find(run, request)
    phase = _phase(found)
    if phase == "Successful":
        read_back(run)
        return None
    if phase in _ENDED_BADLY:
        read_back(run)
        return Fail(code="ops_request.failed", detail=_why_it_failed(found, phase))
    return _progress(found)


def _find(run: Run, request: OpsRequest) -> Body:
    """Return the request, or the one into which KubeDB merged it; one that is gone is handed in again once somebody has looked and retried."""
    ref = ref_of(_body(run, request))
    found = run.gateway.get(ref)
    if found is None:
        if not _was_retried(run):
            raise RequestGone
        return run.create(_body(run, request))
    if _phase(found) == "Skipped" and any(one.get("reason") == _MERGED for one in _conditions(found)):
        merged = f"{run.database.object_name}-rcfg-merged-"
        bodies, _ = run.gateway.list(ref.kind, namespace=ref.namespace)
        names = sorted((body["metadata"]["name"], index) for index, body in enumerate(bodies))
        latest = [index for name, index in names if name.startswith(merged)]
        return bodies[latest[-1]] if latest else found
    return found


def _was_retried(run: Run) -> bool:
    step = run.operation.step
    return OperationEvent.objects.filter(operation_id=run.operation.pk, event="resumed", step=step).exists()


def _body(run: Run, request: OpsRequest) -> Body:
    operation, database = run.operation, run.database
    name = f"{run.engine.short_name}-op-{short_name(operation.id)}-{request.key}"
    return {
        "apiVersion": API_VERSION,
        "kind": request.kind or run.engine.ops_kind,
        "metadata": {
            "name": name,
            "namespace": database.namespace,
            "labels": labels_for(tenant_id=database.tenant_id, database_id=database.id),
            "annotations": annotations_for(
                operation_id=operation.id, fence=operation.fence, request_id=operation.request_id
            ),
        },
        "spec": {
            "type": request.type,
            "databaseRef": {"name": request.target or database.object_name},
            "apply": "Always" if request.on_broken else "IfReady",
            **request.block,
        },
    }


def ref_to_request(run: Run, request: OpsRequest) -> Ref:
    """Return the address of the request's object."""
    kind = kind_of(API_VERSION, request.kind or run.engine.ops_kind)
    return Ref(kind=kind, name=_body(run, request)["metadata"]["name"], namespace=run.database.namespace)


def _phase(body: Body) -> str:
    return str((body.get("status") or {}).get("phase", ""))


def _conditions(body: Body) -> list[Body]:
    return list((body.get("status") or {}).get("conditions") or ())


def _why_it_failed(body: Body, phase: str) -> str:
    said = last_message(body)
    return f"KubeDB reports {phase}: {said}" if said else f"KubeDB reports {phase} and gives no reason."


def _progress(body: Body) -> Wait:
    """Say how many pods are through, where the conditions tell: one `CheckPodReady--<pod>` each, False until it is."""
    pods = [one for one in _conditions(body) if _POD_CONDITION.fullmatch(str(one.get("type", "")))]
    ready = sum(one.get("status") == "True" for one in pods)
    said = last_message(body) or "KubeDB is at work."
    counted = f"{ready} of {len(pods)} pods ready. " if pods else ""
    return Wait(reason=f"{counted}{said}", done=ready / len(pods) if pods else 0.0)
