"""Five thousand operations that wait: whether the ones that are due are found at once, and what the looking costs the cluster's API."""

import random
import time
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import UUID

import orjson

from dbaas.core.ids import short_name, uuid7
from provisioning.cluster.kinds import DATABASE_KINDS, Ref
from provisioning.cluster.ownership import labels_for
from provisioning.engine import Body
from tests.proof.report import Scale
from tests.proof.storm.bench import Bench
from tests.proof.storm.metadata import Row
from tests.proof.storm.site import wait_until
from tests.proof.storm.supervising import processor_seconds

_OPERATIONS = {Scale.CI: 5000, Scale.LONG: 5000}
_MEASURED_SECONDS = {Scale.CI: 40.0, Scale.LONG: 300.0}
_OBJECTS = {Scale.CI: 500, Scale.LONG: 5000}
"""How many of the databases have an object in the cluster, which never becomes ready; the others' is missing: a look costs one request either way."""
_WAITED_AT_MOST_SECONDS = 25 * 60.0
"""They began one after the other in the last 25 minutes: `wait_until_ready` waits for 30."""
_POLL_SECONDS = (30.0, 300.0)
"""Shortest and longest pause between two looks while a watcher is alive (provisioning.advance)."""
_OLDEST_DUE = 5.0
_REQUESTS = 50.0
_BATCH = 500
_MYSQL = next(kind for kind in DATABASE_KINDS if kind.kind == "MySQL")

_COPY_DATABASES: LiteralString = """
INSERT INTO provisioning_database
SELECT (jsonb_populate_record(template, one)).* FROM provisioning_database AS template, jsonb_array_elements(%(rows)s::jsonb) AS one
 WHERE template.id = %(template)s
"""
_COPY_OPERATIONS: LiteralString = """
INSERT INTO provisioning_operation
SELECT (jsonb_populate_record(template, one)).* FROM provisioning_operation AS template, jsonb_array_elements(%(rows)s::jsonb) AS one
 WHERE template.id = %(template)s
"""
_OLDEST: LiteralString = """
SELECT coalesce(extract(epoch FROM now() - min(next_run_at)), 0)::float AS seconds FROM provisioning_operation
 WHERE next_run_at <= now() AND state IN ('queued', 'running', 'waiting', 'undoing')
   AND (lease_until IS NULL OR lease_until < now() - interval '2 seconds')
"""


def waiting_operations(bench: Bench, scale: Scale) -> None:
    """Write them down, let the workers look after them, and watch how late the latest is. The last scenario of a site: nothing is tidied up."""
    count = _OPERATIONS[scale]
    template = bench.until_succeeded([bench.order()], 60)[0]
    bench.site.supervisor.leave_dead("cluster-operator")  # so that no database ever becomes ready
    began = time.monotonic()
    _write_down(bench, template, count, _OBJECTS[scale])
    bench.say(f"{count} operations wait after {time.monotonic() - began:.0f} s")
    oldest: list[float] = []
    until = time.monotonic() + _MEASURED_SECONDS[scale]
    spent = processor_seconds(bench.site.folder)
    with bench.pocket.counted() as requests:
        while time.monotonic() < until:
            oldest.append(float(bench.database.value(_OLDEST)))
            time.sleep(0.5)
    bench.note(f"{count} waiting operations: oldest due", max(oldest), _OLDEST_DUE)
    bench.note("the same: requests to the cluster", requests[0] / _MEASURED_SECONDS[scale], _REQUESTS, "/s")
    cores = (processor_seconds(bench.site.folder) - spent) / _MEASURED_SECONDS[scale]
    bench.note("the same: processor of the whole system", cores, None, "cores")
    if not requests[0]:
        bench.violations.append("nobody looked after the waiting operations")


def _write_down(bench: Bench, template: Row, count: int, objects: int) -> None:
    """First the objects, so that the watchers find nobody to wake; then the rows, half-way through their wait."""
    row = bench.database.rows("SELECT * FROM provisioning_database WHERE id = %(id)s", id=template["database_id"])[0]
    gateway = bench.site.gateway()
    found = gateway.get(Ref(kind=_MYSQL, name=row["object_name"], namespace=row["namespace"]))
    if found is None:
        raise RuntimeError("the template's object is not in the cluster")
    chance = random.Random(count)
    identifiers = [uuid7() for _ in range(count)]
    uids = {}
    for identifier in identifiers[:objects]:
        body = _like(
            found, f"my-{short_name(identifier)}", labels_for(tenant_id=row["tenant_id"], database_id=identifier)
        )
        uids[identifier] = bench.pocket.send("POST", _MYSQL.path(row["namespace"]), body)["metadata"]["uid"]
    _wait_for_watchers(bench, str(identifiers[objects - 1]))
    for start in range(0, count, _BATCH):
        batch = identifiers[start : start + _BATCH]
        databases = [_database(identifier, uids.get(identifier, "")) for identifier in batch]
        operations = [_operation(identifier, chance) for identifier in batch]
        bench.database.do(_COPY_DATABASES, rows=orjson.dumps(databases).decode(), template=template["database_id"])
        bench.database.do(_COPY_OPERATIONS, rows=orjson.dumps(operations).decode(), template=template["id"])


def _wait_for_watchers(bench: Bench, last: str) -> None:
    """Wait until the last object went through a watch: ours, which is as far as the product's."""
    wait_until("the watches are through", lambda: last in bench.onlooker.uids, 60)
    time.sleep(2)


def _like(found: Body, name: str, labels: dict[str, str]) -> Body:
    """Return a new object like the one that was found, which no operator has touched."""
    metadata = {"name": name, "namespace": found["metadata"]["namespace"], "labels": labels}
    return {"apiVersion": _MYSQL.api_version, "kind": _MYSQL.kind, "metadata": metadata, "spec": found["spec"]}


def _database(identifier: UUID, uid: str) -> dict[str, object]:
    return {
        "id": identifier,
        "name": f"waiting-{short_name(identifier)}",
        "object_name": f"my-{short_name(identifier)}",
        "object_uid": uid,
        "state": "changing",
        "previous_state": "requested",
        "phase": "",
        "active_operation_id": _operation_of(identifier),
        "active_operation_kind": "provision",
        **dict.fromkeys(
            ("reserved_databases", "reserved_cpu_millicores", "reserved_memory_mib", "reserved_storage_gib"), 0
        ),
    }


def _operation(database_id: UUID, chance: random.Random) -> dict[str, object]:
    """Return an operation that has waited for some time and is somewhere before its next look."""
    now = datetime.now(UTC)
    waited = chance.uniform(0, _WAITED_AT_MOST_SECONDS)
    pause = min(max(waited / 2, _POLL_SECONDS[0]), _POLL_SECONDS[1])
    began = now - timedelta(seconds=waited)
    return {
        "id": _operation_of(database_id),
        "database_id": database_id,
        "idempotency_key": None,
        "state": "waiting",
        "holds_database": True,
        "step": "wait_until_ready",
        "event_seq": 0,
        "progress": 60,
        "finished_at": None,
        "step_started_at": began,
        "step_deadline_at": began + timedelta(minutes=30),
        "deadline_at": began + timedelta(minutes=40),
        "next_run_at": now + timedelta(seconds=chance.uniform(0, pause)),
    }


def _operation_of(database_id: UUID) -> UUID:
    """Return an id of its own for the one operation of a database."""
    return UUID(int=database_id.int ^ 1)
