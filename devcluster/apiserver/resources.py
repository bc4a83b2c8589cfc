"""What a resource is, and the table of those that every Kubernetes has; custom ones come from `registry`.

Adding a built-in resource is one line in `BUILT_IN`.
"""

from dataclasses import dataclass, field

from devcluster.apiserver.errors import Body, qualified

STORED_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
GENERATION_GROUPS = frozenset({
    "admissionregistration.k8s.io", "apiextensions.k8s.io", "apps", "batch", "networking.k8s.io", "policy",
})  # fmt: skip
"""Built-in groups whose objects count spec changes in `metadata.generation`."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind under one version, as discovery announces it."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    is_namespaced: bool = True
    has_status: bool = False
    is_custom: bool = False
    verbs: tuple[str, ...] = STORED_VERBS
    stored_version: str = ""
    schema: Body | None = field(default=None, repr=False, hash=False, compare=False)
    columns: tuple[Body, ...] = field(default=(), repr=False, hash=False, compare=False)

    @property
    def key(self) -> str:
        """Name the resource in the store: all versions of a kind share their objects."""
        return qualified(self.plural, self.group)

    @property
    def api_version(self) -> str:
        """Give what stands in an object's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        """Give the kind of a list of these objects."""
        return self.kind + "List"

    @property
    def is_stored(self) -> bool:
        """Tell whether objects are kept; reviews are only answered."""
        return "get" in self.verbs

    @property
    def counts_generation(self) -> bool:
        """Tell whether `metadata.generation` rises with spec changes."""
        return self.is_custom or self.group in GENERATION_GROUPS


def _resource(
    api_version: str,
    plural: str,
    kind: str,
    *short_names: str,
    status: bool = False,
    cluster: bool = False,
    everything: bool = False,
    verbs: tuple[str, ...] = STORED_VERBS,
) -> Resource:
    group, _, version = api_version.rpartition("/")
    return Resource(
        group=group,
        version=version,
        plural=plural,
        kind=kind,
        singular=kind.lower(),
        short_names=short_names,
        categories=("all",) if everything else (),
        is_namespaced=not cluster,
        has_status=status,
        verbs=verbs,
        stored_version=version,
    )


BUILT_IN: tuple[Resource, ...] = (
    _resource("v1", "namespaces", "Namespace", "ns", status=True, cluster=True),
    _resource("v1", "secrets", "Secret"),
    _resource("v1", "configmaps", "ConfigMap", "cm"),
    _resource("v1", "services", "Service", "svc", status=True, everything=True),
    _resource("v1", "endpoints", "Endpoints", "ep"),
    _resource("v1", "events", "Event", "ev"),
    _resource("v1", "pods", "Pod", "po", status=True, everything=True),
    _resource("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", status=True),
    _resource("v1", "persistentvolumes", "PersistentVolume", "pv", status=True, cluster=True),
    _resource("v1", "serviceaccounts", "ServiceAccount", "sa"),
    _resource("v1", "nodes", "Node", "no", status=True, cluster=True),
    _resource("v1", "resourcequotas", "ResourceQuota", "quota", status=True),
    _resource("v1", "limitranges", "LimitRange", "limits"),
    _resource("apps/v1", "deployments", "Deployment", "deploy", status=True, everything=True),
    _resource("apps/v1", "statefulsets", "StatefulSet", "sts", status=True, everything=True),
    _resource("batch/v1", "jobs", "Job", status=True, everything=True),
    _resource("batch/v1", "cronjobs", "CronJob", "cj", status=True, everything=True),
    _resource("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", "netpol"),
    _resource("networking.k8s.io/v1", "ingresses", "Ingress", "ing", status=True),
    _resource("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", status=True, everything=True),
    _resource("admissionregistration.k8s.io/v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", cluster=True),
    _resource("admissionregistration.k8s.io/v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding",
              cluster=True),
    _resource("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", status=True),
    _resource("coordination.k8s.io/v1", "leases", "Lease"),
    _resource("storage.k8s.io/v1", "storageclasses", "StorageClass", "sc", cluster=True),
    _resource("rbac.authorization.k8s.io/v1", "roles", "Role"),
    _resource("rbac.authorization.k8s.io/v1", "rolebindings", "RoleBinding"),
    _resource("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", cluster=True),
    _resource("rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", cluster=True),
    _resource("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", cluster=True,
              verbs=("create",)),
    _resource("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview", cluster=True, verbs=("create",)),
    _resource("metrics.k8s.io/v1beta1", "pods", "PodMetrics", verbs=("get", "list")),
    _resource("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", "crd", "crds",
              status=True, cluster=True),
)  # fmt: skip
