"""The pods of metrics.k8s.io: what running servers use of the machine. Nothing is stored; the kubelet is asked each time.

Pods that run no process here (simulated ones, helpers) have no metrics, as those of a real cluster that were never measured.
"""

from typing import Any

import orjson

from devcluster.apiserver.errors import Body
from devcluster.apiserver.kubelet import Kubelet, unavailable
from devcluster.apiserver.reads import Reader
from devcluster.apiserver.representation import Representation
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Store
from devcluster.apiserver.writes import timestamp

GROUP = "metrics.k8s.io"
OK = 200


class PodMetrics:
    """Answers get and list."""

    def __init__(self, store: Store, reader: Reader, kubelet: Kubelet) -> None:
        self._store = store
        self._reader = reader
        self._kubelet = kubelet

    async def answer(self, request: Request, form: Representation) -> Any:
        """Give one pod's metrics, or those that the selectors match. Raises: ApiError — 404, 503."""
        said = await self._kubelet.ask("/usage")
        if said.status != OK:
            raise unavailable(f"the kubelet answered {said.status}")
        usages = {(one["namespace"], one["pod"]): one for one in orjson.loads(said.body)}
        selection = self._reader.selection(request)
        found = []
        for key, stored in self._store.list_objects("pods", request.namespace):
            usage = usages.get((key.namespace, key.name))
            if usage is None:
                continue
            body = _metrics(orjson.loads(stored), usage, request.resource.api_version)
            if selection.matches(body):
                found.append(body)
        if request.verb == "list":
            return form.listing(request.resource, found, {})
        if not found:
            raise request.missing()
        return form.one(request.resource, orjson.dumps(found[0]))


def _metrics(pod: Body, usage: Body, api_version: str) -> Body:
    metadata = pod["metadata"]
    now = timestamp()
    used = {"cpu": f"{usage['cpu_nanocores']}n", "memory": f"{usage['memory_kib']}Ki"}
    return {
        "kind": "PodMetrics",
        "apiVersion": api_version,
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "creationTimestamp": now,
            "labels": metadata.get("labels") or {},
        },
        "timestamp": now,
        "window": f"{usage['window_seconds']}s",
        "containers": [{"name": pod["spec"]["containers"][0]["name"], "usage": used}],
    }
