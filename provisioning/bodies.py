"""Pieces of custom resources that every engine writes the same way. Pure; the engine files put them together.

Source of every field: kubedb/apimachinery apis/kubedb/v1, kmodules.xyz/offshoot-api api/v2.
"""

from provisioning.engine import Body, DatabaseSpec
from provisioning.sizes import EXPORTER, Resources

API_VERSION = "kubedb.com/v1"


def database_object(
    kind: str, spec: DatabaseSpec, body: Body, *, name: str | None = None, is_monitored: bool = True
) -> Body:
    """Return a kubedb.com object: `body` is the engine's own part of `spec`, the shared fields are added here."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": name or spec.object_name,
            "namespace": spec.namespace,
            "labels": dict(spec.labels),
            "annotations": dict(spec.annotations),
        },
        "spec": {
            "version": spec.version.name,
            "storageType": "Durable",
            "deletionPolicy": spec.deletion_policy,
            "autoOps": {"disabled": True},
            **({"monitor": _monitor()} if is_monitored else {}),
            **body,
        },
    }


def _monitor() -> Body:
    """Return how the database is monitored: by annotations that any Prometheus can be told to follow, so that no operator of its is needed."""
    return {"agent": "prometheus.io/builtin", "prometheus": {"exporter": {"resources": amounts(EXPORTER)}}}


def amounts(resources: Resources) -> Body:
    """Return requests and limits of a container.

    They are equal: KubeDB fills a missing one from the other, and equal ones keep a database from being evicted first.
    """
    each = {"cpu": f"{resources.cpu_millicores}m", "memory": f"{resources.memory_mib}Mi"}
    return {"requests": each, "limits": dict(each)}


def volume_claim(storage_gib: int, storage_class: str | None) -> Body:
    """Return a PersistentVolumeClaimSpec for one node."""
    claim: Body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": f"{storage_gib}Gi"}}}
    if storage_class:
        claim["storageClassName"] = storage_class
    return claim


def pod_template(container: str, resources: Resources) -> Body:
    """Return a pod template that gives the engine's main container its resources."""
    return {"spec": {"containers": [{"name": container, "resources": amounts(resources)}]}}


def nodes(count: int, container: str, resources: Resources, storage_class: str | None) -> Body:
    """Return one kind of nodes of a topology: how many, with what disk, with what resources."""
    return {
        "replicas": count,
        "storage": volume_claim(resources.storage_gib, storage_class),
        "podTemplate": pod_template(container, resources),
    }


def service_templates(spec: DatabaseSpec) -> Body:
    """Return `serviceTemplates` where the database is to be reached from outside, else nothing."""
    if spec.external_service_type is None:
        return {}
    service: Body = {"type": spec.external_service_type}
    if spec.allowed_cidrs and spec.external_service_type == "LoadBalancer":
        service["loadBalancerSourceRanges"] = list(spec.allowed_cidrs)
        # Else a node hides the caller's address, and the network policy of the database would see the node's.
        service["externalTrafficPolicy"] = "Local"
    return {"serviceTemplates": [{"alias": "primary", "spec": service}]}
