"""VerticalScaling: other CPU and memory for the containers of some or all node types.

The mode InPlace is treated as Restart, because no server here takes another memory limit while it runs.
"""

import copy

from devcluster.operator.database import Database
from devcluster.operator.engine import Part
from devcluster.operator.kube import Body
from devcluster.operator.objects import pet_set
from devcluster.operator.ops.change import Change, with_spec
from devcluster.operator.ops.request import RequestFailedError
from devcluster.operator.ops.rollout import Rollout
from devcluster.operator.ops.specs import place

NOT_PARTS = ("mode", "readReplicas", "exporter")


class VerticalScaling(Change):
    """The type VerticalScaling."""

    type = "VerticalScaling"

    async def target(self, rollout: Rollout) -> Database:
        """Write the resources into the containers."""
        wanted = rollout.request.block("verticalScaling")
        spec = copy.deepcopy(rollout.db.spec)
        parts = rollout.engine.parts(rollout.db)
        for name, change in wanted.items():
            if name in NOT_PARTS or not (change or {}).get("resources"):
                continue
            if name not in parts:
                raise RequestFailedError(f"{rollout.engine.kind} {rollout.db.name} has no node type {name}")
            _resize(spec, parts[name], change["resources"])
        exporter = (wanted.get("exporter") or {}).get("resources")
        if exporter:
            place(spec, ("monitor", "prometheus", "exporter"))["resources"] = exporter
        _resize_read_replicas(spec, wanted.get("readReplicas") or [])
        return with_spec(rollout.db, rollout.engine.defaults(with_spec(rollout.db, spec)))

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Restart the pods whose template is another one now."""
        before = {group.name: pet_set(rollout.db, group)["spec"] for group in rollout.engine.layout(rollout.db).groups}
        groups = rollout.engine.layout(target).groups
        changed = [group for group in groups if pet_set(target, group)["spec"] != before.get(group.name)]
        await rollout.restart(target, {pod.name for group in changed for pod in group.pods})


def _resize(spec: Body, part: Part, resources: Body) -> None:
    """What is not named stays, as a limit without its request would be filled in from the other otherwise."""
    node = place(spec, part.path)
    if not part.container:
        node["resources"] = _merged(node.get("resources") or {}, resources)
        return
    containers: list[Body] = place(node, ("podTemplate", "spec")).setdefault("containers", [])
    container = next((one for one in containers if one.get("name") == part.container), None)
    if container is None:
        container = {"name": part.container}
        containers.append(container)
    container["resources"] = _merged(container.get("resources") or {}, resources)


def _merged(before: Body, wanted: Body) -> Body:
    merged = {**before, **wanted}
    for kind in ("requests", "limits"):
        merged[kind] = {**(before.get(kind) or {}), **(wanted.get(kind) or {})}
    return merged


def _resize_read_replicas(spec: Body, wanted: list[Body]) -> None:
    groups = {group["name"]: group for group in spec.get("readReplicas") or []}
    for change in wanted:
        group, resources = groups.get(change.get("name")), (change.get("postgres") or {}).get("resources")
        if group is None:
            raise RequestFailedError(f"There are no read replicas {change.get('name')}")
        if resources:
            group["resources"] = _merged(group.get("resources") or {}, resources)


CHANGE = VerticalScaling
