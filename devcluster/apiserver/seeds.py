"""What a cluster holds before anybody writes to it: namespaces, the node, a storage class, the administrator, our CRDs."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import orjson
import yaml

from devcluster.apiserver.controllers import COLLECTOR
from devcluster.apiserver.discovery import VERSION
from devcluster.apiserver.errors import Body
from devcluster.apiserver.rbac import SUPERUSERS
from devcluster.apiserver.registry import CRDS, Registry
from devcluster.apiserver.request import Request
from devcluster.apiserver.store import Store
from devcluster.apiserver.writes import Writer, timestamp

OWN_CRDS = Path(__file__).parent.parent / "crds"
CRDS_MARK = "crds_fingerprint"
_RBAC = "rbac.authorization.k8s.io"


def _objects() -> Iterable[tuple[str, Body]]:
    for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
        yield "namespaces", {"metadata": {"name": name}}
    yield "nodes", _node()
    yield (
        "storageclasses.storage.k8s.io",
        {
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "devcluster.local/directory",
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
    )
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    yield f"clusterroles.{_RBAC}", {"metadata": {"name": "cluster-admin"}, "rules": everything}
    binding = {
        "metadata": {"name": "cluster-admin"},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": SUPERUSERS}],
    }
    yield f"clusterrolebindings.{_RBAC}", binding


def _node() -> Body:
    return {"metadata": {"name": "pocket", "labels": {"kubernetes.io/hostname": "pocket", "kubernetes.io/os": "linux"}}}


def _node_status() -> Body:
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "the pocket cluster is running"}
    room = {"cpu": "8", "memory": "32Gi", "pods": "110"}
    return {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": "localhost"}],
        "conditions": [{**ready, "lastHeartbeatTime": timestamp(), "lastTransitionTime": timestamp()}],
        "capacity": room,
        "allocatable": room,
        "nodeInfo": {"kubeletVersion": VERSION["gitVersion"], "operatingSystem": "linux", "architecture": "amd64"},
    }


class Seeder:
    """Writes what is missing; what is there stays as it is."""

    def __init__(self, store: Store, registry: Registry, writer: Writer) -> None:
        self._store = store
        self._registry = registry
        self._writer = writer

    def seed(self, crd_directory: Path) -> None:
        """Make the first objects, and the kinds of a folder when they are not those of the last start."""
        self._serve_stored()
        self._load_crds(crd_directory)
        for key, body in _objects():
            request = self._request(key, body["metadata"]["name"])
            if self._store.get(request.key) is not None:
                continue
            made = self._writer.create(request, body)
            if key == "nodes":
                status = self._request(key, "pocket", verb="update", subresource="status")
                self._writer.replace(status, made, {**made, "status": _node_status()})

    def _serve_stored(self) -> None:
        for _, stored in self._store.list_objects(CRDS):
            self._registry.serve(orjson.loads(stored))

    def _load_crds(self, directory: Path) -> None:
        """Read the folder's YAML only when a file changed: the store keeps the parsed form."""
        files = sorted(directory.glob("*.yaml"))
        states = [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
        mark = int(hashlib.sha256(repr(states).encode()).hexdigest()[:15], 16)
        if self._store.mark(CRDS_MARK) == mark:
            return
        for file in files:
            for body in yaml.load_all(file.read_bytes(), Loader=yaml.CSafeLoader):
                if isinstance(body, dict) and body.get("kind") == "CustomResourceDefinition":
                    self._put_crd(body)
        self._store.set_mark(CRDS_MARK, mark)

    def _put_crd(self, body: Body) -> None:
        body.pop("status", None)
        request = self._request(CRDS, body["metadata"]["name"])
        old = self._writer.find(request)
        if old is None:
            self._writer.create(request, body)
        else:
            metadata = {**body["metadata"], "finalizers": old["metadata"].get("finalizers")}
            self._writer.replace(request, old, {**body, "metadata": metadata})

    def _request(self, key: str, name: str, *, verb: str = "create", subresource: str = "") -> Request:
        return Request(
            user=COLLECTOR,
            verb=verb,
            resource=self._registry.stored(key),
            name=name,
            subresource=subresource,
            query={"fieldManager": "devcluster"},
        )
