"""What a cluster's administrator sets up once for backups: a namespace, an encryption key, a storage, archivers. Pure."""

from dataclasses import dataclass

from provisioning.cluster.ownership import MANAGED_BY, PRODUCT
from provisioning.engine import Body

_STORAGE = "storage.kubestash.com/v1alpha1"
_ARCHIVER = "archiver.kubedb.com/v1alpha1"
_NIGHTLY = "0 1 * * *"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where copies go, and under which names the objects for it stand."""

    namespace: str
    name: str
    backend: Body
    """`spec.storage` of a BackupStorage: `provider` and the provider's own block."""

    @property
    def secret_name(self) -> str:
        """Return the name of the Secret with the encryption key."""
        return f"{self.name}-backup-key"


def local_backend() -> Body:
    """Return the backend of one machine: a folder of the cluster's node."""
    return {"provider": "local", "local": {"hostPath": {"path": "/var/lib/dbaas-backups"}, "mountPath": "/backups"}}


def s3_backend(*, endpoint: str, bucket: str, region: str, secret_name: str) -> Body:
    """Return the backend of an S3 bucket; the Secret holds AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""
    place = {"endpoint": endpoint, "bucket": bucket, "region": region, "secretName": secret_name, "prefix": "dbaas"}
    return {"provider": "s3", "s3": {name: value for name, value in place.items() if value}}


def namespace(place: Place) -> Body:
    """Return the namespace of everything below."""
    labels = {MANAGED_BY: PRODUCT}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place.namespace, "labels": labels}}


def encryption_secret(place: Place, password: str) -> Body:
    """Return the Secret without which no copy can be read: made once, never changed, to be kept elsewhere too."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": place.secret_name, "namespace": place.namespace},
        "stringData": {"RESTIC_PASSWORD": password},
    }


def storage_objects(place: Place) -> list[Body]:
    """Return the storage, and the archivers' retention."""
    everyone = {"allowedNamespaces": {"from": "All"}}
    storage = {"storage": place.backend, "usagePolicy": everyone, "deletionPolicy": "Delete", "default": True}
    retention = {"maxRetentionPeriod": "7d", "successfulSnapshots": {"last": 7}, "usagePolicy": everyone}
    return [
        _object(_STORAGE, "BackupStorage", place, place.name, storage),
        _object(_STORAGE, "RetentionPolicy", place, f"{place.name}-archive", retention),
    ]


def archiver(place: Place, kind: str) -> Body:
    """Return the archiver of one kind, which takes all databases that carry its label."""
    # The first full copy begins with the policy, often while the database is still being changed: no window of recovery
    # opens before one has succeeded, and the next slot is at night.
    tried_again = {"maxRetry": 3, "delay": "30s"}
    nightly = {"scheduler": {"schedule": _NIGHTLY}, "sessionHistoryLimit": 2, "retryConfig": tried_again}
    spec = {
        "databases": {
            "namespaces": {"from": "All"},
            "selector": {"matchLabels": {"archiver": "true"}},
        },
        "retentionPolicy": {"name": f"{place.name}-archive", "namespace": place.namespace},
        "encryptionSecret": {"name": place.secret_name, "namespace": place.namespace},
        "fullBackup": {"driver": "Restic", **nightly},
        "manifestBackup": nightly,
        "backupStorage": {"ref": {"name": place.name, "namespace": place.namespace}},
        "deletionPolicy": "Retain",
    }
    return _object(_ARCHIVER, kind, place, place.name, spec)


def _object(api_version: str, kind: str, place: Place, name: str, spec: Body) -> Body:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": place.namespace},
        "spec": spec,
    }
