"""What a custom resource says of a database, in the columns in which we keep it. Reads only; an object's status is not our word and is cut to length.

Source of phases and conditions: kubedb/apimachinery pkg/phase/phase.go, apis/kubedb/constants.go.
"""

from typing import Any

from provisioning.cluster.ownership import RUNNING_VERSION, SIMULATED, annotation_of
from provisioning.engine import Body

_MAX_MESSAGE = 300


def observed_phase(body: Body) -> str:
    """Return KubeDB's phase, or an empty text while its status is older than the object's spec."""
    status = body.get("status") or {}
    generation = body["metadata"].get("generation", 0)
    if int(status.get("observedGeneration", generation)) < int(generation):
        return ""
    return str(status.get("phase", ""))[:40]


def observed_columns(body: Body) -> dict[str, Any]:
    """Return the columns of the database that repeat what the object says."""
    simulated = annotation_of(body, SIMULATED)
    return {
        "phase": str((body.get("status") or {}).get("phase", ""))[:40],
        "object_uid": body["metadata"]["uid"],
        "simulated": simulated == "true" if simulated else False,
        "running_version": annotation_of(body, RUNNING_VERSION)[:80],
    }


def why_not_ready(body: Body) -> str:
    """Return one sentence for the customer: the phase and what the condition that changed last says."""
    phase = str((body.get("status") or {}).get("phase") or "nothing yet")[:40]
    said = last_message(body)
    return f"KubeDB reports {phase}: {said}" if said else f"KubeDB reports {phase}."


def failed_restore(body: Body) -> str:
    """Return why content could not be brought into the database; empty where nothing says so."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    failed = [one for one in conditions if one.get("type") == "DataRestored" and one.get("status") == "False"]
    return str(failed[0].get("message") or "KubeDB reports that the restore failed.")[:_MAX_MESSAGE] if failed else ""


def last_message(body: Body) -> str:
    """Return what the condition that changed last says; empty where none says anything. Times are whole seconds: of equals the last listed."""
    conditions = [one for one in (body.get("status") or {}).get("conditions") or () if one.get("message")]
    if not conditions:
        return ""
    last = max(reversed(conditions), key=lambda condition: str(condition.get("lastTransitionTime", "")))
    return str(last["message"])[:_MAX_MESSAGE]


def digest(body: Body) -> tuple[Any, ...]:
    """Return what must change for a watcher to wake an operation: identity, spec, phase, conditions, deletion, addresses."""
    status = body.get("status") or {}
    conditions = tuple(
        (condition.get("type"), condition.get("status"), condition.get("reason"))
        for condition in status.get("conditions") or ()
    )
    metadata = body["metadata"]
    return (
        metadata["uid"],
        metadata.get("generation"),
        status.get("observedGeneration"),
        status.get("phase"),
        conditions,
        metadata.get("deletionTimestamp"),
        tuple(sorted((metadata.get("annotations") or {}).items())),
    )
