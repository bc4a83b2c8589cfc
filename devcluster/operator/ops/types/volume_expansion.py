"""VolumeExpansion: larger volumes for some or all node types. A folder needs nothing for it but the numbers."""

import copy

from devcluster.operator.database import Database, selector_text
from devcluster.operator.kube import Body
from devcluster.operator.layout import NodeGroup
from devcluster.operator.ops.change import Change, with_spec
from devcluster.operator.ops.request import RequestFailedError
from devcluster.operator.ops.rollout import Rollout
from devcluster.operator.ops.specs import place
from devcluster.operator.resources import CLAIMS, Resource

STORAGE_CLASSES = Resource(
    api_version="storage.k8s.io/v1", kind="StorageClass", plural="storageclasses", namespaced=False
)
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class VolumeExpansion(Change):
    """The type VolumeExpansion."""

    type = "VolumeExpansion"

    async def target(self, rollout: Rollout) -> Database:
        """Write the sizes into the claims' templates."""
        spec = copy.deepcopy(rollout.db.spec)
        parts = rollout.engine.parts(rollout.db)
        for name, size in rollout.request.block("volumeExpansion").items():
            if name == "mode":
                continue
            if name not in parts or not parts[name].volume:
                raise RequestFailedError(f"{rollout.engine.kind} {rollout.db.name} has no volumes of node type {name}")
            place(spec, (*parts[name].path, *parts[name].volume))["storage"] = size
        target = with_spec(rollout.db, spec)
        for group in rollout.engine.layout(target).groups:
            await _check_class(rollout, group)
        return target

    async def apply(self, rollout: Rollout, target: Database) -> None:
        """Enlarge the claims; offline, the pods are restarted for it."""
        workload, states = await rollout.prepare(target)
        claims = await rollout.workloads.site.kube.list_all(CLAIMS, target.namespace, selector_text(target.selector))
        bodies = {body["metadata"]["name"]: body for body in claims}
        for pod in workload.layout.pods:
            if pod.claim_name in bodies and pod.group.storage is not None:
                await _enlarge(rollout, bodies[pod.claim_name], pod.group.storage)
        await rollout.progress.note("VolumeExpansion", "Successfully expanded the volumes")
        if rollout.request.block("volumeExpansion").get("mode") == "Offline":
            await rollout.restart(target)
        else:
            await rollout.complete(workload, states)
        await rollout.progress.note("ReadyPetSets", "The PetSets are ready")


async def _check_class(rollout: Rollout, group: NodeGroup) -> None:
    """Without a class in the cluster nothing speaks against it: who has one says whether it can expand."""
    if group.storage is None:
        return
    kube = rollout.workloads.site.kube
    listed = {body["metadata"]["name"]: body for body in await kube.list_all(STORAGE_CLASSES)}
    name = group.storage.get("storageClassName") or next((key for key, body in listed.items() if _is_default(body)), "")
    if name in listed and not listed[name].get("allowVolumeExpansion"):
        raise RequestFailedError(f"StorageClass {name} does not allow volume expansion (allowVolumeExpansion)")


def _is_default(body: Body) -> bool:
    return (body["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true"


async def _enlarge(rollout: Rollout, claim: Body, storage: Body) -> None:
    kube, name = rollout.workloads.site.kube, claim["metadata"]["name"]
    size = ((storage.get("resources") or {}).get("requests") or {}).get("storage")
    place_of = (CLAIMS, claim["metadata"]["namespace"], name)
    if not size:
        return
    if claim["spec"]["resources"]["requests"]["storage"] != size:
        await kube.patch(*place_of, {"spec": {"resources": {"requests": {"storage": size}}}})
    if ((claim.get("status") or {}).get("capacity") or {}).get("storage") != size:
        await kube.patch_status(*place_of, {"status": {"capacity": {"storage": size}}})


CHANGE = VolumeExpansion
