"""Hand out the last lines of a server's log: read from the cluster on demand, never kept, on record before it happens.

A log may hold what customers store, so it takes the right to change databases. What looks like a credential is taken out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts import audit
from accounts.actor import Actor
from accounts.permissions import Permission
from dbaas.core.errors import Conflict, NotFound
from dbaas.core.redaction import REDACTED, without_secrets
from provisioning.cluster.client import Gateway
from provisioning.cluster.errors import ClusterRefuses, ObjectMissing
from provisioning.cluster.kinds import POD, Ref
from provisioning.cluster.ownership import DATABASE_ID, SIMULATED, annotation_of
from provisioning.cluster.registry import gateway_to
from provisioning.engine import Body
from provisioning.models import Database
from provisioning.selectors import database_of
from tenants.access import require

MAX_LINES = 1000
MAX_BYTES = 256 * 1024
_READ_BYTES = 4 * 1024 * 1024
"""The cluster cuts the newest lines when a log is larger than what it is asked for, so it is asked for more than is shown."""
_ROLE = "kubedb.com/role"
_INSTANCE = "app.kubernetes.io/instance"
_SECRET_STATEMENTS = re.compile(
    r"(?i)\b(password|identified\s+by|requirepass|masterauth|auth)(\s+)('[^']*'?|\"[^\"]*\"?)"
)
"""Servers log the statements that they refuse, those that set a password too."""
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)


class PodNotFound(NotFound):
    """The database has no pod of that name: leave `pod` out for the primary's."""

    code = "database.pod_not_found"


class NoLog(Conflict):
    """No server of this database writes a log now: it is paused, deleted, or not running yet."""

    code = "database.no_log"


class SimulatedLog(Conflict):
    """The pocket cluster only simulates this database: no server runs, so there is no log."""

    code = "database.simulated"


@dataclass(frozen=True, kw_only=True)
class Log:
    """The last lines, oldest first; `is_truncated` where they were too long to be shown all."""

    pod: str
    container: str
    lines: Sequence[str]
    is_truncated: bool


def read_log(actor: Actor, database_id: UUID, *, lines: int, pod: str = "") -> Log:
    """Return the last lines of the primary's log, or of the named pod's; the read is on record before the cluster is asked.

    Raises: DatabaseNotFound, Forbidden, PodNotFound, NoLog, SimulatedLog, and the cluster's errors.
    """
    database = database_of(actor, database_id)
    require(actor, database.tenant_id, Permission.LOGS_READ)
    if not database.is_live:
        raise NoLog
    if database.simulated:
        raise SimulatedLog
    audit.record(
        actor,
        action="database.log.read",
        object_type="database",
        object_id=str(database.id),
        tenant_id=database.tenant_id,
        detail={"pod": pod, "lines": lines},
    )
    gateway = gateway_to(database.cluster)
    chosen = _chosen(_pods_of(gateway, database), database, pod)
    if annotation_of(chosen, SIMULATED) == "true":
        raise SimulatedLog
    return _read(gateway, chosen, lines)


def _pods_of(gateway: Gateway, database: Database) -> dict[str, Body]:
    """Return the pods that carry our label for this database: nobody reads another's log by naming its pod."""
    listed, _ = gateway.list(POD, namespace=database.namespace, labels=f"{DATABASE_ID}={database.id}")
    return {pod["metadata"]["name"]: pod for pod in listed}


def _chosen(pods: dict[str, Body], database: Database, wanted: str) -> Body:
    if wanted:
        if wanted not in pods:
            raise PodNotFound
        return pods[wanted]
    names = sorted(name for name, pod in pods.items() if _labels(pod).get(_INSTANCE) == database.object_name)
    if not names:
        raise NoLog
    primaries = [name for name in names if _labels(pods[name]).get(_ROLE) == "primary"]
    return pods[(primaries or names)[0]]


def _labels(pod: Body) -> dict[str, str]:
    return pod["metadata"].get("labels") or {}


def _read(gateway: Gateway, pod: Body, lines: int) -> Log:
    """Read the first container: KubeDB puts the engine's there, and its helpers behind."""
    metadata, container = pod["metadata"], str(pod["spec"]["containers"][0]["name"])
    ref = Ref(kind=POD, name=metadata["name"], namespace=metadata["namespace"])
    try:
        content = gateway.log(ref, container=container, lines=lines, limit_bytes=_READ_BYTES)
    except (ClusterRefuses, ObjectMissing) as error:
        raise NoLog from error
    shown = content[-MAX_BYTES:]
    if len(shown) < len(content):
        shown = shown.partition(b"\n")[2]
    return Log(
        pod=ref.name,
        container=container,
        lines=_clean(shown.decode(errors="replace")),
        is_truncated=len(shown) < len(content),
    )


def _clean(text: str) -> list[str]:
    """Take secrets out line by line, so that a quotation mark left open cannot hide the rest of the log."""
    whole = _PRIVATE_KEY.sub(REDACTED, text)
    return [_SECRET_STATEMENTS.sub(rf"\1\2{REDACTED}", without_secrets(line)) for line in whole.splitlines()]
