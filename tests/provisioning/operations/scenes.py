"""One scene for every operation: on which database, after what, with which body, what it leaves, and where a cancel still comes in time."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from provisioning.cluster.kinds import BACKUP_SESSION, RESTORE_SESSION, SNAPSHOT, kind_of
from provisioning.engines import all_engines
from provisioning.models import Backup, Database, Operation
from provisioning.operations import all_workflows
from provisioning.operations.delete_backup import WORKFLOW as DELETE_BACKUP
from provisioning.ops_requests import API_VERSION as OPS
from provisioning.orders import Origin
from provisioning.services.acceptance import Idempotency
from provisioning.services.ordering import Farewell, delete_database
from provisioning.services.requesting import request_operation
from provisioning.settlement import amounts_of, reserved
from provisioning.sizes import Resources
from tenants.models import Quota
from tenants.quota import Amounts
from tests import cast
from tests.provisioning.stage import Stage

Ordered = Callable[..., Operation]
FREE = Amounts()
SENTINELS = {"engine": "redis", "version": "7.4.0", "topology": {"mode": "replicated", "replicas": 2}}
POLICY = {
    "schedule": "0 3 * * *",
    "time_zone": "UTC",
    "keep_last": 7,
    "keep_daily": 0,
    "keep_weekly": 0,
    "keep_monthly": 0,
    "point_in_time": False,
    "is_paused": False,
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """How one operation is played."""

    kind: str
    order: Mapping[str, Any] = field(default_factory=dict)
    """What of the database is not as usual."""
    after: tuple[str, ...] = ()
    """Operations that come first."""
    body: Mapping[str, Any] = field(default_factory=dict)
    leaves: Mapping[str, int] = field(default_factory=dict)
    """How many requests, sessions and copies there are of its database afterwards, by kind."""
    cancelled_in: str = ""
    """The last step in which a cancel comes in time; nothing where the first step is past the point of no return."""
    cancel_leaves: Mapping[str, int] = field(default_factory=dict)
    """The same as `leaves`, after that cancel."""
    look: int = 1
    """At which look in that step."""


SCENES = (
    Scene(kind="provision", order=SENTINELS, cancelled_in="wait_until_ready"),
    Scene(
        kind="delete",
        after=("backup",),
        body={"backups": "delete", "final_backup": True},
        leaves={"Snapshot": 1},
        cancelled_in="take_final_backup",
        look=1,
        cancel_leaves={"BackupSession": 2, "Snapshot": 2},
    ),
    Scene(
        kind="backup",
        body={"note": "just so"},
        leaves={"BackupSession": 1, "Snapshot": 1},
        cancelled_in="take_backup",
        look=2,
        cancel_leaves={"BackupSession": 1, "Snapshot": 1},
    ),
    Scene(kind="backup_policy", body={**POLICY, "point_in_time": True}, cancelled_in="apply_schedule", look=2),
    Scene(kind="delete_backup", after=("backup",), leaves={"BackupSession": 1}),
    Scene(kind="pause", order=SENTINELS, after=("backup_policy",), cancelled_in="stop_companions"),
    Scene(kind="resume", order=SENTINELS, after=("backup_policy", "pause"), cancelled_in="start_servers"),
    Scene(
        kind="reconfigure",
        body={"parameters": {"max_connections": 200}},
        leaves={"PostgresOpsRequest": 1},
        cancelled_in="ask_to_reconfigure",
    ),
    Scene(kind="restart", leaves={"PostgresOpsRequest": 1}, cancelled_in="ask_to_restart"),
    Scene(kind="rotate_credentials", leaves={"PostgresOpsRequest": 1}, cancelled_in="ask_to_rotate"),
    Scene(
        kind="restore",
        after=("backup",),
        leaves={"BackupSession": 2, "Snapshot": 2, "RestoreSession": 1},
        cancelled_in="take_safety_backup",
        cancel_leaves={"BackupSession": 2, "Snapshot": 2},
    ),
    Scene(kind="restore_into_new", after=("backup",), leaves={"RestoreSession": 1}, cancelled_in="wait_until_ready"),
    Scene(
        kind="scale",
        order={"topology": {"mode": "replicated", "replicas": 2}},
        body={"memory_mib": 3072, "topology": {"replicas": 3}, "storage_gib": 20},
        leaves={"PostgresOpsRequest": 3},
        cancelled_in="ask_for_compute",
    ),
    Scene(
        kind="scale",
        order={"topology": {"mode": "replicated", "replicas": 2}},
        body={"topology": {"replicas": 3}},
        leaves={"PostgresOpsRequest": 1},
        cancelled_in="ask_for_members",
    ),
    Scene(kind="scale", body={"storage_gib": 20}, leaves={"PostgresOpsRequest": 1}, cancelled_in="ask_for_storage"),
    Scene(
        kind="upgrade",
        order=SENTINELS,
        body={"version": "7.4.1", "force": True},
        leaves={"RedisOpsRequest": 1, "RedisSentinelOpsRequest": 1},
        cancelled_in="ask_for_companions",
    ),
    Scene(
        kind="upgrade",
        body={"version": "17.9", "force": True},
        leaves={"PostgresOpsRequest": 1},
        cancelled_in="ask_to_upgrade",
    ),
)


def scene_of(kind: str) -> Scene:
    """Return the operation's first scene, the fullest one."""
    return next(scene for scene in SCENES if scene.kind == kind)


def scene_that_undoes(kind: str, step: str) -> Scene:
    """Return the first scene in which this step has something to take back."""
    workflow = all_workflows()[kind]
    return next(
        scene
        for scene in SCENES
        if scene.kind == kind
        and scene.cancelled_in
        and workflow.index(scene.cancelled_in) >= _reach(scene, workflow.index(step))
    )


def _reach(scene: Scene, place: int) -> int:
    """Return the place that a cancel must have reached; one step more where it comes between two steps."""
    return place - (scene.look - 1)


def begin(scene: Scene, alice: User, ordered: Ordered, stage: Stage) -> Operation:
    """Play what comes first, and ask for the operation."""
    if scene.kind == "provision":
        return ordered(**scene.order)
    database = stage.provision(ordered(**scene.order)).database
    for kind in scene.after:
        earlier = ask(alice, database, kind, POLICY if kind == "backup_policy" else {})
        assert stage.play(earlier).state == "succeeded", f"{kind}: {stage.look(earlier).error_detail}"
    if scene.kind == "restore_into_new":
        backup = Backup.objects.get(database=database)
        return ordered("copy", engine=None, restore_from=Origin(backup=backup.pk))
    return ask(alice, database, scene.kind, scene.body)


def ask(alice: User, database: Database, kind: str, body: Mapping[str, Any] | None = None) -> Operation:
    """Ask for an operation of that kind, with the body's defaults filled in as the API does."""
    if kind == "delete":
        wish = body or {}
        farewell = Farewell(
            keeps_backups=wish.get("backups") != "delete", takes_final_backup=wish.get("final_backup", False)
        )
        return delete_database(cast.acting(alice), database.id, Idempotency(), farewell).operation
    asked = all_workflows()[kind].request
    assert asked is not None
    complete = {one.name: one.default for one in asked.fields if one.default is not None} | dict(body or {})
    if kind == DELETE_BACKUP.kind and "backup" not in complete:
        complete["backup"] = Backup.objects.filter(database=database).latest("created_at").pk
    return request_operation(cast.acting(alice), database.id, kind, complete, Idempotency()).operation


def inventory(stage: Stage, database: Database) -> Counter[str]:
    """Count the requests, sessions and copies of the database that are in the cluster."""
    kinds = [kind_of(OPS, all_engines()[database.engine].ops_kind), kind_of(OPS, "RedisSentinelOpsRequest")]
    found: Counter[str] = Counter()
    for kind in (*kinds, BACKUP_SESSION, RESTORE_SESSION, SNAPSHOT):
        bodies, _ = stage.kube.list(kind, namespace=database.namespace)
        found[kind.kind] += sum(database.object_name in _about(body) for body in bodies)
    return +found


def _about(body: Mapping[str, Any]) -> set[str]:
    """Return the names of databases and configurations that the object's spec points at."""
    spec = body["spec"]
    names = [spec.get(place, {}).get("name", "") for place in ("databaseRef", "invoker", "target", "appRef")]
    return {name.removesuffix("-copies").removesuffix("-backup").removesuffix("-sentinel") for name in names}


class Cancel:
    """Asks the operation to turn back, at the nth passing of one point."""

    def __init__(self, operation: Operation, scene: Scene) -> None:
        self.operation = operation
        self.point = f"{scene.kind}.{scene.cancelled_in}.after"
        self.left = scene.look

    def __call__(self, name: str) -> None:
        self.left -= name == self.point
        if name == self.point and self.left == 0:
            Operation.objects.filter(pk=self.operation.pk).update(cancel_requested_at=self.operation.created_at)


def check_quota(*databases: Database) -> None:
    """Check that each database holds what it takes, and the tenant uses the sum."""
    for database in databases:
        size = Resources(
            cpu_millicores=database.cpu_millicores, memory_mib=database.memory_mib, storage_gib=database.storage_gib
        )
        taken = amounts_of(all_engines()[database.engine].footprint(database.topology, size))
        assert reserved(database) == (taken if database.state in ("ready", "paused") else FREE)
    quota = Quota.objects.get()
    used = {
        name: getattr(quota, f"used_{name}") for name in ("databases", "cpu_millicores", "memory_mib", "storage_gib")
    }
    assert Amounts(**used) == sum((reserved(database) for database in databases), FREE)
