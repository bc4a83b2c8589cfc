"""The Kubernetes resources that the operator reads and writes, as one table.

This file only knows where a resource is served; what is written there is made in `objects.py`.
"""

from dataclasses import dataclass

DATABASE_GROUP = "kubedb.com"
CATALOG_API = "catalog.kubedb.com/v1alpha1"
REQUEST_API = "ops.kubedb.com/v1alpha1"


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Where the API server serves one kind."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "") -> str:
        """Give the URL path of the collection, or of one object; no namespace means all of them."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


def _core(kind: str, plural: str) -> Resource:
    return Resource(api_version="v1", kind=kind, plural=plural)


def _rbac(kind: str, plural: str) -> Resource:
    return Resource(api_version="rbac.authorization.k8s.io/v1", kind=kind, plural=plural)


SECRETS = _core("Secret", "secrets")
SERVICES = _core("Service", "services")
PODS = _core("Pod", "pods")
CLAIMS = _core("PersistentVolumeClaim", "persistentvolumeclaims")
EVENTS = _core("Event", "events")
SERVICE_ACCOUNTS = _core("ServiceAccount", "serviceaccounts")
ROLES = _rbac("Role", "roles")
ROLE_BINDINGS = _rbac("RoleBinding", "rolebindings")
DISRUPTION_BUDGETS = Resource(api_version="policy/v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets")
PET_SETS = Resource(api_version="apps.k8s.appscode.com/v1", kind="PetSet", plural="petsets")
APP_BINDINGS = Resource(api_version="appcatalog.appscode.com/v1alpha1", kind="AppBinding", plural="appbindings")


def database_resource(kind: str, plural: str) -> Resource:
    """Give the resource of a database kind, `kubedb.com/v1`."""
    return Resource(api_version=f"{DATABASE_GROUP}/v1", kind=kind, plural=plural)


def version_resource(kind: str) -> Resource:
    """Give the cluster-scoped catalogue resource of a database kind, for example PostgresVersion."""
    return Resource(api_version=CATALOG_API, kind=f"{kind}Version", plural=f"{kind.lower()}versions", namespaced=False)


def request_resource(kind: str) -> Resource:
    """Give the resource of the OpsRequests of a database kind, for example PostgresOpsRequest."""
    return Resource(api_version=REQUEST_API, kind=f"{kind}OpsRequest", plural=f"{kind.lower()}opsrequests")
