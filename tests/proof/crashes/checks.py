"""What must be true when an operation has ended, whatever happened to its workers."""

from collections import Counter
from typing import Any
from uuid import UUID

import orjson

from accounts.models import User
from provisioning.cluster.kinds import ref_of
from provisioning.cluster.ownership import DATABASE_ID, FENCE
from provisioning.models import Backup, BackupPolicy, Database, Operation, OperationEvent, Resource
from provisioning.operations import all_workflows
from tenants.models import Quota
from tests.proof.crashes.play import Play, Way
from tests.proof.crashes.world import World
from tests.provisioning.operations.scenes import Scene, ask, check_quota, inventory

_VARIES = ("id", "created_at", "updated_at", "row_version", "operation_id", "gone_at", "taken_at", "deleted_at", "uid")
_VARIES_IN_METADATA = ("uid", "resourceVersion", "creationTimestamp", "generation")


def check_end(world: World, scene: Scene, way: Way, ended: Operation) -> None:
    """Check the operation, its database, what is in the cluster, the ledger and the quota."""
    workflow, database = all_workflows()[scene.kind], ended.database
    wanted = "succeeded" if way is Way.FORWARD else "cancelled"
    assert ended.state == wanted, f"{ended.state} at {ended.step}: {ended.error_code} {ended.error_detail}"
    state = workflow.on_success if way is Way.FORWARD else workflow.on_undone
    assert database.state == (state or database.previous_state), f"the database is {database.state}"
    assert (database.active_operation_id, database.next_operation_id) == (None, None), "the database is still held"
    leaves = scene.leaves if way is Way.FORWARD else scene.cancel_leaves
    found = inventory(world.stage, database)
    assert found == leaves, f"left {dict(found)} instead of {dict(leaves)}"
    check_quota(*Database.objects.all())
    check_ledger(world)
    check_custom_resources(world)
    check_timeline(ended)


def check_crashed(play: Play, ended: Operation) -> None:
    """Check that each that was struck had a token of its own; the last may have been struck when all was done."""
    assert ended.lease_token >= len(play.struck), (
        f"{len(play.struck)} workers were struck under {ended.lease_token} tokens"
    )


def check_ledger(world: World) -> None:
    """Check that the ledger says of every object of ours that it is there, under its uid, and of no other."""
    there = {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]): body["metadata"]["uid"]
        for body in world.kube.objects()
        if DATABASE_ID in (body["metadata"].get("labels") or {})
    }
    lines = Resource.objects.filter(is_gone=False).values_list("kind", "namespace", "name", "uid")
    written = {(kind, namespace, name): uid for kind, namespace, name, uid in lines}
    differs = {name: (written.get(name), there.get(name)) for name in written.keys() | there.keys()}
    differs = {name: uids for name, uids in differs.items() if uids[0] != uids[1]}
    assert not differs, f"uids in ledger and cluster: {differs}"


def check_custom_resources(world: World) -> None:
    """Check that each database was made once, and is there if and only if its row says so."""
    made = Counter(change.path for change in world.kube.history if change.verb == "created")
    for database in Database.objects.select_related("cluster"):
        path = world.stage.ref(database).path
        found = world.stage.body(database)
        assert made[path] <= 1, f"{path} was made {made[path]} times"
        assert (found is not None) == (database.state in ("ready", "paused")), f"{database.state}, but {path}: {found}"
        assert found is None or found["metadata"]["uid"] == database.object_uid, f"{path} has another uid than the row"


def check_timeline(ended: Operation) -> None:
    """Check that the timeline has no gap, that tokens only rise, and that its last line is the end."""
    events = list(OperationEvent.objects.filter(operation=ended).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, ended.event_seq + 1)), "the timeline has a gap"
    tokens = [event.lease_token for event in events if event.lease_token]
    assert tokens == sorted(tokens), f"tokens fall: {tokens}"
    assert events[-1].event == ended.state, f"the last line says {events[-1].event}"
    ends = [event.event for event in events if event.event in ("succeeded", "failed", "cancelled")]
    assert len(ends) == 1, f"it ended {len(ends)} times"
    done = Counter(event.step for event in events if event.event == "done")
    assert set(done.values()) <= {1}, f"steps were done more than once: {done}"


def check_removal(world: World, alice: User) -> None:
    """Delete every database, and check that nothing of it is left anywhere."""
    for database in Database.objects.filter(is_live=True):
        ended = world.stage.play(ask(alice, database, "delete", {"backups": "delete"}))
        assert ended.state == "succeeded", f"the deletion: {ended.error_code} {ended.error_detail}"
        assert inventory(world.stage, database) == {}, "the deletion left something"
    left = [str(ref_of(body)) for body in world.kube.objects() if DATABASE_ID in (body["metadata"].get("labels") or {})]
    assert not left, f"the deletion left {left}"
    assert not Resource.objects.filter(is_gone=False).exists(), "the ledger still lists something"
    check_quota(*Database.objects.all())


def digest(world: World) -> bytes:
    """Return what a later operation can see: rows and objects, without times, versions and uids. Same digest, same future."""
    rows = [_rows(model) for model in (Database, Resource, Backup, BackupPolicy, Quota)]
    objects = sorted(orjson.dumps(_without(body), option=orjson.OPT_SORT_KEYS) for body in world.kube.objects())
    return orjson.dumps([rows, [one.decode() for one in objects]], default=str)


def _rows(model: Any) -> list[str]:
    found = model.objects.values()
    kept = [{name: value for name, value in row.items() if name not in _VARIES} for row in found]
    return sorted(str(sorted((name, _plain(value)) for name, value in row.items())) for row in kept)


def _plain(value: object) -> str:
    return "uuid" if isinstance(value, UUID) else str(value)


def _without(body: dict[str, Any]) -> dict[str, Any]:
    metadata = {name: value for name, value in body["metadata"].items() if name not in _VARIES_IN_METADATA}
    annotations = {name: value for name, value in (metadata.get("annotations") or {}).items() if name != FENCE}
    return {**body, "metadata": {**metadata, "annotations": annotations}}
