"""What must hold when a storm is over and everything rests: in the metadata database, in the cluster, and in what customers were told."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, LiteralString

from provisioning.cluster.kinds import DATABASE_KINDS, SECRET
from provisioning.cluster.ownership import is_being_deleted, owner_of
from provisioning.engine import Body
from provisioning.engines import all_engines
from provisioning.sizes import Resources
from tests.proof.storm.customers import Ledger
from tests.proof.storm.metadata import MetadataDatabase, Row
from tests.proof.storm.sampling import ONE_ACTIVE, QUOTA

RESTS: LiteralString = "SELECT count(*) FROM provisioning_operation WHERE finished_at IS NULL AND state <> 'stuck'"

_OPERATIONS: LiteralString = """
SELECT id, kind, state, step, error_code, error_detail, lease_token, event_seq, database_id, tenant_id, idempotency_key,
       finished_at, holds_database
  FROM provisioning_operation
"""
_TIMELINES: LiteralString = """
SELECT operation_id, seq, event, lease_token FROM provisioning_operationevent ORDER BY operation_id, seq
"""
_LEFT_IN_LEDGER: LiteralString = """
SELECT line.kind, line.name, database.id, database.state FROM provisioning_resource AS line
  JOIN provisioning_database AS database ON database.id = line.database_id
 WHERE NOT line.is_gone AND database.state = 'deleted'
"""
_EXPLAINED_BY_CHAOS = frozenset(
    {
        "cluster.unavailable",
        "cluster.busy",
        "cluster.conflict",
        "cluster.still_leaving",
        "operation.lease_too_old",
        "operation.workers_lost",
    }
)
"""Why an operation of a storm may end badly: the cluster's API failed it too often in a row, or its workers were killed."""


def rows_that_disagree(database: MetadataDatabase) -> list[str]:
    """Return what is wrong in the metadata database alone."""
    operations = database.rows(_OPERATIONS)
    found = [f"quota is not the sum: {row}" for row in database.rows(QUOTA)]
    found += [f"more than one active operation: {row}" for row in database.rows(ONE_ACTIVE)]
    found += [f"deleted, but in the ledger: {row}" for row in database.rows(_LEFT_IN_LEDGER)]
    for operation in operations:
        found += _badly_ended(operation)
    found += broken_timelines({str(row["id"]): row for row in operations}, database.rows(_TIMELINES))
    return found


def _badly_ended(operation: Row) -> Iterator[str]:
    what = f"operation {operation['id']} ({operation['kind']} at {operation['step']})"
    if operation["finished_at"] is None:
        yield f"{what} does not end: {operation['state']} {operation['error_code']} {operation['error_detail']}"
    if operation["finished_at"] is not None and operation["holds_database"]:
        yield f"{what} has ended and holds its database"
    is_explained = operation["error_code"] in _EXPLAINED_BY_CHAOS or operation["state"] in ("succeeded", "cancelled")
    if not is_explained:
        yield f"{what} {operation['state']} for no reason of ours: {operation['error_code']} {operation['error_detail']}"


def broken_timelines(operations: Mapping[str, Row], events: Iterable[Row]) -> list[str]:
    """Return operations whose timeline has a hole, a token that falls, or an end that is not their state."""
    timelines: dict[str, list[Row]] = defaultdict(list)
    for event in events:
        timelines[str(event["operation_id"])].append(event)
    found = []
    for identifier, operation in operations.items():
        timeline = timelines[identifier]
        numbers = [event["seq"] for event in timeline]
        tokens = [event["lease_token"] for event in timeline if event["lease_token"]]
        if numbers != list(range(1, operation["event_seq"] + 1)):
            found.append(f"operation {identifier}: its timeline has the numbers {numbers} of {operation['event_seq']}")
        if tokens != sorted(tokens) or (tokens and tokens[-1] > operation["lease_token"]):
            found.append(f"operation {identifier}: the tokens in its timeline are {tokens}")
        if operation["finished_at"] and timeline and timeline[-1]["event"] != operation["state"]:
            found.append(
                f"operation {identifier}: {operation['state']}, but its last line says {timeline[-1]['event']}"
            )
    return found


def promises_broken(ledger: Ledger, database: MetadataDatabase) -> list[str]:
    """Return accepted operations that are not there or are others than was said, and keys that stand for two operations."""
    there = {str(row["id"]): row for row in database.rows(_OPERATIONS)}
    found = list(ledger.surprises)
    found += [f"key {key} stands for {sorted(ids)}" for key, ids in ledger.by_key.items() if len(ids) > 1]
    for promise in ledger.promises.values():
        row = there.get(promise.operation)
        if row is None:
            found.append(f"operation {promise.operation} was accepted and is not there")
        elif (row["kind"], str(row["database_id"])) != (promise.kind, promise.database):
            found.append(f"operation {promise.operation} is another one than was accepted: {row}")
    found += [
        f"operation {identifier} is there, and nobody was told of it"
        for identifier in there.keys() - ledger.promises.keys()
    ]
    return found


def cluster_disagrees(database: MetadataDatabase, bodies: Iterable[Body]) -> list[str]:
    """Return where the cluster's objects are not what the rows of databases say."""
    rows = {str(row["id"]): row for row in database.rows("SELECT * FROM provisioning_database")}
    kinds = {kind.kind for kind in DATABASE_KINDS}
    resources: dict[str, list[Body]] = defaultdict(list)
    found = []
    for body in bodies:
        owner = str(owner_of(body))
        row = rows.get(owner)
        what = f"{body['kind']} {body['metadata']['name']} of database {owner}"
        if row is None or row["state"] in ("deleted", "failed"):
            found.append(f"{what} is an orphan ({row['state'] if row else 'no such database'})")
        elif body["kind"] in kinds:
            resources[owner].append(body)
    for identifier, row in rows.items():
        found += _database_disagrees(identifier, row, resources[identifier])
    return found


def _database_disagrees(identifier: str, row: Row, bodies: list[Body]) -> Iterator[str]:
    if row["state"] not in ("ready", "paused"):
        if row["state"] == "changing":
            yield f"database {identifier} rests as {row['state']}"
        return
    if len(bodies) != 1:
        yield f"database {identifier} is {row['state']} and has {len(bodies)} objects"
        return
    body = bodies[0]
    if body["metadata"]["uid"] != row["object_uid"] or is_being_deleted(body):
        yield f"database {identifier} is {row['state']}, but its object is not the one that was recorded"
    phase = (body.get("status") or {}).get("phase")
    if phase != {"ready": "Ready", "paused": "Halted"}[row["state"]] or row["phase"] != phase:
        yield f"database {identifier} is {row['state']}, its row says {row['phase']}, KubeDB says {phase}"
    if (wanted := _of_row(row)) != (held := _of_spec(row, body)):
        yield f"database {identifier}: the row has {wanted}, the spec {held}"


def _of_row(row: Row) -> tuple[Any, ...]:
    resources = Resources(**{name: row[name] for name in ("cpu_millicores", "memory_mib", "storage_gib")})
    return row["version"], row["topology"], resources


def _of_spec(row: Row, body: Body) -> tuple[Any, ...]:
    held = all_engines()[row["engine"]].changes.read(body["spec"], row["topology"])
    return held.version, dict(held.topology), held.resources


def leaks(secrets: Iterable[str], texts: Mapping[str, str]) -> list[str]:
    """Return which of the texts hold which secret; only its first letters are told."""
    return [
        f"a secret ({secret[:4]}...) is in {name}"
        for secret in secrets
        for name, text in texts.items()
        if secret in text
    ]


def passwords_in(bodies: Iterable[Body]) -> set[str]:
    """Return the passwords that the cluster's Secrets hold."""
    held = [body.get("data") or {} for body in bodies if body["kind"] == SECRET.kind]
    found = {base64.b64decode(one["password"]).decode() for one in held if "password" in one}
    return {password for password in found if password}
