"""Makes one Reconfigure of several that wait, as KubeDB does, so that the servers restart once."""

import time
from collections.abc import Sequence

from devcluster.operator.database import Database
from devcluster.operator.kube import Body, Kube
from devcluster.operator.ops.configuration import merged_files
from devcluster.operator.ops.request import Request
from devcluster.operator.ops.turns import MERGED_FROM_ANNOTATION, RECONFIGURE
from devcluster.operator.resources import Resource

FILES = "applyConfig"
REMOVAL = "removeCustomConfig"


async def merge(kube: Kube, resource: Resource, db: Database, requests: Sequence[Request]) -> None:
    """Create the request that stands for all of them; they are passed over once it is there."""
    annotations = {MERGED_FROM_ANNOTATION: ",".join(request.name for request in requests)}
    name = f"{db.name}-rcfg-merged-{time.time_ns() // 1_000_000}"
    configuration: Body = {}
    for request in requests:
        configuration = merged(configuration, request.block("configuration"))
    spec = {**requests[-1].body["spec"], "type": RECONFIGURE, "configuration": configuration}
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "namespace": db.namespace, "annotations": annotations},
        "spec": spec,
    }
    await kube.create(resource, body)


def merged(first: Body, then: Body) -> Body:
    """Give what two configuration blocks do one after the other, of a database or of each type of node."""
    result = {} if then.get(REMOVAL) else dict(first)
    for key, value in then.items():
        before = result.get(key)
        if key == FILES:
            result[key] = merged_files(before or {}, value)
        elif isinstance(value, dict) and isinstance(before, dict):
            result[key] = merged(before, value)
        else:
            result[key] = value
    if first.get("restart") == "true":
        result["restart"] = "true"
    return result
