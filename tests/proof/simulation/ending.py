"""What must hold once a simulated world has come to rest, and the reaper has looked once."""

from collections.abc import Collection, Sequence
from uuid import UUID

from accounts.models import AuditEvent
from provisioning.cluster.kinds import DATABASE_KINDS, OPS_KINDS, Ref, kind_of
from provisioning.cluster.ownership import owner_of
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.models import Database, OperationEvent, Resource
from provisioning.operations import all_workflows
from provisioning.sizes import Resources
from provisioning.states import FINISHED, DatabaseState
from tests.proof.simulated_cluster import SimulatedCluster
from tests.proof.simulation.clients import Request
from tests.proof.simulation.invariants import Invariants, Row, Violation

_NEVER = frozenset(
    {
        "internal.error",
        "cluster.name_conflict",
        "cluster.already_exists",
        "cluster.refused",
        "cluster.forbidden",
        "cluster.object_missing",
        "operation.unknown_step",
    }
)
"""Nothing that is done to a simulated world explains an operation that ends so."""
_COUNTED = frozenset(kind.kind for kind in (*DATABASE_KINDS, *OPS_KINDS))


def check_ending(
    invariants: Invariants, cluster: SimulatedCluster, requests: Sequence[Request], *, explained: Collection[str]
) -> None:
    """Check everything that may be checked only at rest; `explained` are error codes that what was done to the world explains.

    Raises: Violation.
    """
    rows = invariants.operations()
    databases = {database.id.hex: database for database in Database.objects.all()}
    for row in rows:
        _check_operation(row, explained)
    _check_requests(requests, rows)
    _check_record(rows)
    for database in databases.values():
        _check_database(database, cluster)
    _check_orphans({database.id: database for database in databases.values()}, cluster)


def _check_operation(row: Row, explained: Collection[str]) -> None:
    if row.state not in FINISHED:
        raise Violation(f"comes to rest: {row.kind} is {row.state} at {row.step} ({row.error_code})")
    if row.error_code in _NEVER and row.error_code not in explained:
        raise Violation(f"ends for a reason: {row.kind} {row.state} at {row.step} with {row.error_code}")
    if row.holds_database:
        raise Violation(f"one operation per database: {row.kind} is over and still holds its database")
    if row.state == "succeeded":
        _check_steps(row)


def _check_steps(row: Row) -> None:
    """Every step of an operation that succeeded was done, in order.

    `too_late` stands for a step that could not be taken back, `skipped` for one that an operator answers for.
    """
    counted = ["done", "too_late", "undone", "skipped"]
    told = OperationEvent.objects.filter(operation_id=row.id, event__in=counted).order_by("seq")
    done: list[str] = []
    for event, step in told.values_list("event", "step"):
        if event == "undone":
            done = [name for name in done if name != step]
        elif step not in done:
            done.append(step)
    steps = [step.name for step in all_workflows()[row.kind].steps]
    if done != steps:
        raise Violation(f"no step skipped: {row.kind} succeeded after {done}")


def _check_requests(requests: Sequence[Request], rows: Sequence[Row]) -> None:
    by_key = {row.idempotency_key: row for row in rows if row.idempotency_key}
    ids = {row.id for row in rows}
    for request in requests:
        if request.broken:
            raise Violation(f"one key, one answer: {request.broken[0]}")
        if request.told is not None and request.told.hex not in ids:
            raise Violation(f"operation lost: {request} was told of {request.told}")
        known = by_key.get(request.key)
        if request.told is not None and known is not None and known.id != request.told.hex:
            raise Violation(f"one key, one answer: {request} was told of {request.told}")
    orders = sum(row.kind == "provision" and row.idempotency_key is not None for row in rows)
    if orders > sum(request.verb == "provision" for request in requests):
        raise Violation(f"one key, one answer: {orders} databases were ordered")


def _check_record(rows: Sequence[Row]) -> None:
    """Every operation that was accepted is on record once, and nothing else is."""
    told = AuditEvent.objects.filter(action__startswith="database.", action__endswith=".requested")
    recorded = sorted(UUID(detail["operation"]).hex for detail in told.values_list("detail", flat=True))
    if recorded != sorted(row.id for row in rows):
        raise Violation(f"on record once: {len(rows)} operations, {len(recorded)} on record")


def _check_database(database: Database, cluster: SimulatedCluster) -> None:
    if database.active_operation_id or database.next_operation_id or database.state == DatabaseState.CHANGING:
        raise Violation(f"comes to rest: the database is {database.state} under {database.active_operation_kind!r}")
    engine = all_engines()[database.engine]
    ref = Ref(kind=kind_of("kubedb.com/v1", engine.kind), name=database.object_name, namespace=database.namespace)
    found = cluster.get(ref)
    if database.state not in (DatabaseState.READY, DatabaseState.PAUSED):
        return
    if _is_left_to_people(database):
        return
    if found is None:
        raise Violation(f"{database.state} means there: the object of a {database.state} database is missing")
    if found["metadata"]["uid"] != database.object_uid:
        raise Violation(f"{database.state} means there: the object has another uid than the row")
    _check_spec(database, found)


def _is_left_to_people(database: Database) -> bool:
    """Tell whether an operator answers for what the cluster has: a step was left out, or an operation given up in the middle."""
    decided = OperationEvent.objects.filter(operation__database=database, event__in=["skipped", "abandoned"])
    return decided.exists()


def _check_spec(database: Database, found: Body) -> None:
    spec = found["spec"]
    if bool(spec.get("halted")) != (database.state == DatabaseState.PAUSED):
        raise Violation(f"row and cluster agree: {database.state} by the row, halted is {spec.get('halted')}")
    held = all_engines()[database.engine].changes.read(spec, database.topology)
    row = Resources(
        cpu_millicores=database.cpu_millicores, memory_mib=database.memory_mib, storage_gib=database.storage_gib
    )
    if (held.resources, held.version, held.topology) != (row, database.version, database.topology):
        raise Violation(f"row and cluster agree: {row} by the row, {held.resources} in the cluster")


def _check_orphans(databases: dict[object, Database], cluster: SimulatedCluster) -> None:
    for body in cluster.objects():
        owner = owner_of(body)
        if owner is None or body["kind"] not in _COUNTED:
            continue
        name, database = f"{body['kind']} {body['metadata']['name']}", databases.get(owner)
        if database is None or database.state in (DatabaseState.FAILED, DatabaseState.DELETED):
            raise Violation(f"no orphan: {name} of a database that is {database.state if database else 'unknown'}")
        if not Resource.objects.filter(name=body["metadata"]["name"], is_gone=False).exists():
            raise Violation(f"no orphan: the ledger does not know {name}")
