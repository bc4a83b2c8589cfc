"""Where each kind lives in the Kubernetes API: a fixed table instead of discovery, whose cache races between processes.

Source: kubedb/apimachinery apis/*/register.go; kubestash/apimachinery apis/*/register.go.
"""

from dataclasses import dataclass

from dbaas.core.errors import Permanent
from provisioning.engine import Body


class UnknownKind(Permanent):
    """The product has no address for this kind of object."""

    code = "cluster.unknown_kind"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of object and the path of its collection."""

    api_version: str
    kind: str
    plural: str
    is_namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path of the collection (of all namespaces where none is given), or of one object in it."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        scope = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


NAMESPACE = Kind(api_version="v1", kind="Namespace", plural="namespaces", is_namespaced=False)
SECRET = Kind(api_version="v1", kind="Secret", plural="secrets")
SERVICE = Kind(api_version="v1", kind="Service", plural="services")
POD = Kind(api_version="v1", kind="Pod", plural="pods")
POD_METRICS = Kind(api_version="metrics.k8s.io/v1beta1", kind="PodMetrics", plural="pods")
"""What pods use; only ever listed. A cluster has it where a metrics server runs."""
EVENT = Kind(api_version="v1", kind="Event", plural="events")
TENANCY_KINDS = (
    Kind(api_version="v1", kind="ResourceQuota", plural="resourcequotas"),
    Kind(api_version="v1", kind="LimitRange", plural="limitranges"),
    Kind(api_version="networking.k8s.io/v1", kind="NetworkPolicy", plural="networkpolicies"),
    Kind(api_version="rbac.authorization.k8s.io/v1", kind="RoleBinding", plural="rolebindings"),
)
"""What stands in a tenant's namespace beside its databases."""

_RBAC = "rbac.authorization.k8s.io/v1"
SERVICE_ACCOUNT = Kind(api_version="v1", kind="ServiceAccount", plural="serviceaccounts")
ACCOUNT_KINDS = (
    SERVICE_ACCOUNT,
    Kind(api_version=_RBAC, kind="ClusterRole", plural="clusterroles", is_namespaced=False),
    Kind(api_version=_RBAC, kind="ClusterRoleBinding", plural="clusterrolebindings", is_namespaced=False),
)
"""Our own accounts and their rights."""

DATABASE_KINDS = tuple(
    Kind(api_version="kubedb.com/v1", kind=kind, plural=plural)
    for kind, plural in (
        ("Postgres", "postgreses"),
        ("MySQL", "mysqls"),
        ("MongoDB", "mongodbs"),
        ("Redis", "redises"),
        ("RedisSentinel", "redissentinels"),
        ("Elasticsearch", "elasticsearches"),
    )
)

OPS_KINDS = tuple(
    Kind(api_version="ops.kubedb.com/v1alpha1", kind=kind, plural=f"{kind.lower()}s")
    for kind in (f"{database.kind}OpsRequest" for database in DATABASE_KINDS)
)

_CORE, _STORAGE = "core.kubestash.com/v1alpha1", "storage.kubestash.com/v1alpha1"
BACKUP_CONFIGURATION = Kind(api_version=_CORE, kind="BackupConfiguration", plural="backupconfigurations")
BACKUP_SESSION = Kind(api_version=_CORE, kind="BackupSession", plural="backupsessions")
RESTORE_SESSION = Kind(api_version=_CORE, kind="RestoreSession", plural="restoresessions")
SNAPSHOT = Kind(api_version=_STORAGE, kind="Snapshot", plural="snapshots")
REPOSITORY = Kind(api_version=_STORAGE, kind="Repository", plural="repositories")
BACKUP_KINDS = (
    BACKUP_CONFIGURATION,
    BACKUP_SESSION,
    RESTORE_SESSION,
    SNAPSHOT,
    REPOSITORY,
    Kind(api_version=_STORAGE, kind="BackupStorage", plural="backupstorages"),
    Kind(api_version=_STORAGE, kind="RetentionPolicy", plural="retentionpolicies"),
)
ARCHIVER_KINDS = tuple(
    Kind(api_version="archiver.kubedb.com/v1alpha1", kind=kind, plural=f"{kind.lower()}s")
    for kind in ("PostgresArchiver", "MySQLArchiver", "MongoDBArchiver")
)

_LEGACY, _LEGACY_BETA = "stash.appscode.com/v1alpha1", "stash.appscode.com/v1beta1"
STASH_SNAPSHOT = Kind(api_version="repositories.stash.appscode.com/v1alpha1", kind="Snapshot", plural="snapshots")
STASH_KINDS = (
    Kind(api_version=_LEGACY, kind="Repository", plural="repositories"),
    Kind(api_version=_LEGACY_BETA, kind="BackupConfiguration", plural="backupconfigurations"),
    Kind(api_version=_LEGACY_BETA, kind="BackupSession", plural="backupsessions"),
    Kind(api_version=_LEGACY_BETA, kind="RestoreSession", plural="restoresessions"),
    STASH_SNAPSHOT,
)

_ALL = (
    NAMESPACE,
    SECRET,
    SERVICE,
    EVENT,
    *TENANCY_KINDS,
    *ACCOUNT_KINDS,
    *DATABASE_KINDS,
    *OPS_KINDS,
    *BACKUP_KINDS,
    *ARCHIVER_KINDS,
    *STASH_KINDS,
)
_BY_NAME = {(kind.api_version, kind.kind): kind for kind in _ALL}


@dataclass(frozen=True, kw_only=True)
class Ref:
    """The address of one object."""

    kind: Kind
    name: str
    namespace: str | None = None

    @property
    def path(self) -> str:
        """Return the object's path."""
        return self.kind.path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind.kind} {f'{self.namespace}/' if self.namespace else ''}{self.name}"


def kind_of(api_version: str, kind: str) -> Kind:
    """Return the kind of that name.

    Raises: UnknownKind — the table above has no such line.
    """
    try:
        return _BY_NAME[api_version, kind]
    except KeyError:
        raise UnknownKind(f"No address is known for {kind} in {api_version}.") from None


def ref_of(body: Body) -> Ref:
    """Return the address of the object that `body` describes."""
    metadata = body["metadata"]
    return Ref(
        kind=kind_of(body["apiVersion"], body["kind"]), name=metadata["name"], namespace=metadata.get("namespace")
    )
